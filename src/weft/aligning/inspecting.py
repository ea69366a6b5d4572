"""A page of a translation: its links and every head, alone or beside another model, reading or aligner."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from weft.aligning.align import align
from weft.alignment.draw import Drawing
from weft.alignment.page import page
from weft.alignment.plot import head_grid, link_plot
from weft.alignment.settings import AlignmentSettings
from weft.base.errors import ConfigError, DataError, UnsupportedError
from weft.base.validate import nearest, validate
from weft.statistical.aligner import StatisticalAligner
from weft.store.aligner import is_aligner
from weft.store.atomic import whole_file
from weft.translating.loading import load
from weft.translating.translator import Translator
from weft.translating.views import View, forced, translated

if TYPE_CHECKING:
    from matplotlib.figure import Figure

READINGS: dict[str, dict[str, object]] = {
    "shifted": {"shift": True},
    "unshifted": {"shift": False},
    "norm-weighted": {"norm_weighting": True},
    "mutual": {"decision": "mutual"},
    "argmax": {"decision": "argmax"},
    "threshold": {"decision": "threshold"},
    "monotone": {"decision": "monotone"},
}
"""Names for ways to read links, each a change of the settings that a model brings along."""


@dataclass(frozen=True)
class Page:
    """What is to be seen of a text, as one HTML page; in a notebook it shows itself."""

    drawings: tuple[Drawing, ...]
    """One, or two of the same source to be compared."""

    @cached_property
    def html(self) -> str:
        """The whole page, which needs nothing but itself."""
        return page(*self.drawings)

    def save(self, path: str | Path) -> None:
        """Writes the page, whole or not at all. Raises DataError if it cannot be written."""
        try:
            with whole_file(Path(path)) as part:
                part.write_text(self.html, encoding="utf-8")
        except OSError as error:
            raise DataError(f"{path}: wanted to write a page, got: {error}; choose another place") from error

    def plot(self, number: int = 0) -> Figure:
        """The links as a matplotlib figure, drawn between two columns of words, with spread and coverage beside them.

        `number` says which of two drawings. Needs `pip install "weft[plot]"`.
        """
        return link_plot(self.drawings[number])

    def plot_heads(self, number: int = 0) -> Figure:
        """The weights of every layer and head as a matplotlib figure; UnsupportedError if the text had no words."""
        heat = self.drawings[number].heat
        if heat is None:
            raise UnsupportedError("there are no heads to plot, since nothing was translated; pass a text with words")
        return head_grid(heat)

    def _repr_html_(self) -> str:
        """The page in a frame of its own, in which only its own script runs."""
        return (
            f'<iframe srcdoc="{escape(self.html)}" sandbox="allow-scripts" title="{escape(self.drawings[0].title)}" '
            'style="width:100%;height:46rem;border:0;border-radius:6px"></iframe>'
        )


def inspect(
    text: str,
    *,
    to: str,
    from_: str | None = None,
    model: str | Path | Translator | None = None,
    versus: str | Path | Translator | AlignmentSettings | StatisticalAligner | None = None,
    target: str | None = None,
    beam: int | None = None,
) -> Page:
    """A page of a text and its translation, or of a given `target`: links, and what every layer and head read.

    With `versus` it stands beside a second one: of another model, or of the same translation, the links found in
    another way. That is settings, or text such as `unshifted`, `mutual`, `layer=2,heads=0+3` (`READINGS` and fields of
    AlignmentSettings, parted by commas), or a statistical aligner, or the folder in which one was saved. Raises
    ConfigError for what is none of these, UnsupportedError for a model without cross-attention.
    """
    ours = model if isinstance(model, Translator) else load(model, to=to, from_=from_)

    def view(translator: Translator) -> View:
        if target is not None:
            return forced(translator, text, target, to=to, from_=from_)
        return translated(translator, text, to=to, from_=from_, beam=beam)

    own = view(ours)
    if versus is None:
        return Page((own.drawing(),))
    if isinstance(versus, AlignmentSettings) or (isinstance(versus, str) and is_reading(versus)):
        other = versus if isinstance(versus, AlignmentSettings) else reading(versus, own.settings)
        changed = ", ".join(_changes(own.settings, other))
        names = f"{ours.name}: as the model is set", f"{ours.name}: {changed or 'the same'}"
        return Page((own.drawing(method=names[0]), own.drawing(other, method=names[1])))
    if isinstance(versus, StatisticalAligner) or (isinstance(versus, (str, Path)) and is_aligner(Path(versus))):
        drawn = own.drawing(method=ours.name)
        [found] = align([(drawn.source, drawn.target)], statistical=versus, words="weft")
        return Page((drawn, replace(found.drawing(), languages=drawn.languages, method=_aligner_name(versus))))
    theirs = versus if isinstance(versus, Translator) else load(versus, to=to, from_=from_)
    return Page((own.drawing(method=ours.name), view(theirs).drawing(method=theirs.name)))


def is_reading(text: str) -> bool:
    """Whether text names a way to read links, rather than a model."""
    return "=" in text or any(part.strip() in READINGS for part in text.split(","))


def reading(text: str, settings: AlignmentSettings) -> AlignmentSettings:
    """Settings changed as text says: names of `READINGS` and `key=value`, parted by commas; heads by +.

    Raises ConfigError that names the nearest name or key, and what a value should be.
    """
    changes: dict[str, object] = {}
    for part in text.split(","):
        key, equals, value = part.strip().partition("=")
        if equals:
            changes[key] = value.split("+") if key == "heads" else value
        elif key in READINGS:
            changes |= READINGS[key]
        else:
            raise ConfigError(f"versus {text!r}: unknown reading {key!r}; {nearest(key, list(READINGS))}")
    return validate(AlignmentSettings, settings.model_dump() | changes, where=f"versus {text!r}")


def _aligner_name(aligner: StatisticalAligner | str | Path) -> str:
    return "statistical aligner" + ("" if isinstance(aligner, StatisticalAligner) else f" {Path(aligner).name}")


def _changes(one: AlignmentSettings, other: AlignmentSettings) -> list[str]:
    """What the second sets otherwise than the first, for people."""
    values = {name: getattr(other, name) for name in AlignmentSettings.model_fields}
    return [
        f"{name} {_shown(value)}".replace("_", " ") for name, value in values.items() if value != getattr(one, name)
    ]


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return "+".join(map(str, value)) if isinstance(value, tuple) else str(value)
