"""An alignment to look at: what a page or a figure shows of it, and a fragment for notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from weft.alignment.compare import LinkNumbers
from weft.alignment.heat import Heat
from weft.alignment.link import Row, Span, WordAlignment, rows
from weft.base.errors import ShapeError
from weft.base.shapes import Float, Tensor


@dataclass(frozen=True)
class Drawing:
    """A sentence pair and what is to be seen of it; `languages` are the codes of both texts, empty if unknown."""

    source: str
    target: str
    source_words: Sequence[Span]
    target_words: Sequence[Span]
    alignment: WordAlignment
    heat: Heat | None = None
    title: str = "Which word came from where"
    note: str = ""
    languages: tuple[str, str] = ("", "")
    method: str = ""
    """How the links were found, or by which model: tells two drawings on a page apart."""
    mass: Float[Tensor, "j i"] | None = None
    """All that the links were taken from: how much of target word j came from source word i."""
    confidence: Sequence[float] | None = None
    """For each target word how sure the model was to write it (0 to 1)."""

    def __post_init__(self) -> None:
        wanted = [len(self.target_words), len(self.source_words)]
        if self.mass is not None and list(self.mass.shape) != wanted:
            raise ShapeError(
                f"mass must be [j i] = {wanted}, target words by source words, got {list(self.mass.shape)}; "
                "read it over the words that are drawn"
            )
        if self.confidence is not None and len(self.confidence) != wanted[0]:
            raise ShapeError(
                f"confidence must hold {wanted[0]} numbers, one a target word, got {len(self.confidence)}; "
                "give it for the words that are drawn"
            )

    @property
    def links(self) -> list[LinkNumbers]:
        """The links between numbered words."""
        source = {span: index for index, span in enumerate(self.source_words)}
        target = {span: index for index, span in enumerate(self.target_words)}
        return [(source[one.source], target[one.target], one.probability) for one in self.alignment.links]

    @property
    def unaligned(self) -> list[float]:
        """The share of each target word that came from no source word."""
        rest = {one.target: one.probability for one in self.alignment.unaligned}
        return [rest.get(span, 1.0) for span in self.target_words]

    @property
    def source_labels(self) -> list[str]:
        return [self.source[slice(*span)] for span in self.source_words]

    @property
    def target_labels(self) -> list[str]:
        return [self.target[slice(*span)] for span in self.target_words]


def fragment(drawing: Drawing) -> str:
    """HTML without script for notebooks: the source, and the translation with the best source word over each word."""
    table = {row.span: row for row in rows(drawing.alignment, drawing.source, drawing.target)}
    words = [_annotated(drawing.target[slice(*span)], table.get(span)) for span in drawing.target_words]
    return (
        '<div style="max-width:60rem;margin:.5rem 0">'
        f'<div dir="auto" style="opacity:.7;white-space:pre-wrap">{escape(drawing.source)}</div>'
        f'<div dir="auto" style="font-size:1.25em;line-height:2.4;white-space:pre-line">'
        f"{woven(drawing.target, drawing.target_words, words)}</div></div>"
    )


def woven(text: str, words: Sequence[Span], shown: Sequence[str]) -> str:
    """The whole text as HTML with each word as it is to be shown, and what stands between the words as it is."""
    pieces, end = [], 0
    for (start, stop), html in zip(words, shown, strict=True):
        pieces += [escape(text[end:start]), html]
        end = stop
    return "".join(pieces) + escape(text[end:])


def percent(share: float) -> str:
    """A share in whole percent, as HTML."""
    return "&lt;1 %" if 0 < share < 0.005 else f"{share * 100:.0f} %"


def _annotated(word: str, row: Row | None) -> str:
    """A target word with its best source word over it, fainter the less sure, and all its shares as a tooltip."""
    if row is None or not row.sources:
        return f'<span title="no word">{escape(word)}</span>'
    best, share = row.sources[0]
    shares = [f"{source} {percent(part)}" for source, part in row.sources]
    shares += [f"no word {percent(row.unaligned)}"] if row.unaligned >= 0.005 else []
    faint = f"opacity:{0.35 + 0.55 * share:.2f};font-size:.55em;padding:0 .35em;white-space:nowrap"
    return (
        f'<ruby title="{escape(", ".join(shares))}">{escape(word)}<rp>(</rp>'
        f'<rt style="{faint}">{escape(best)}</rt><rp>)</rp></ruby>'
    )
