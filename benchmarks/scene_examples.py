"""Eight drawn scenes with their captions, and where the captioner that ships looked for the words: docs/captioning.png.

    python benchmarks/scene_examples.py [--model scenes] [--out docs/captioning.png]

Of new scenes, in the order of their numbers: for each of five layouts (alone, apart, inside, in front, three) the first
whose caption is true, then the first two whose caption is false, and the first false one of those in which a colour and
a shape meet that never met in training. Nothing else chooses. Needs `pip install ".[plot]"`.
"""

from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Any

import matplotlib
import numpy as np
import torch
from matplotlib import pyplot

from curves import INK, SOFT
from weft.data.scene_captions import is_true
from weft.data.scene_pictures import picture
from weft.data.scenes import BACKGROUNDS, Combinations, Scene, holds, scene
from weft.data.shapes import NAMES
from weft.translating.caption import Caption
from weft.translating.loading import load
from weft.translating.translator import Translator

SEED, LOOKED_AT = 1003, 120
SIDE = 192
"""Pixels of a picture as it is shown."""
SHOWN = frozenset([*NAMES, *BACKGROUNDS, "left", "right", "above", "below", "inside", "around", "front", "behind"])
"""Words that say something of a place, a thing or the ground."""
COLUMNS, VEIL = 7, 0.16
TRUE, FALSE = "#2f7d4f", "#b3402e"


@dataclass(frozen=True)
class Example:
    scene: Scene
    caption: Caption

    @property
    def true(self) -> bool:
        return is_true(self.caption.text, self.scene)


def related(one: Scene, relation: str) -> bool:
    """Whether a scene has two things, in this relation one way or the other."""
    return len(one.things) == 2 and (holds(relation, one.things, 0, 1) or holds(relation, one.things, 1, 0))


WANTED: tuple[tuple[Combinations, Callable[[Example], bool]], ...] = (
    ("seen", lambda one: one.true and len(one.scene.things) == 1),
    ("seen", lambda one: one.true and (related(one.scene, "left of") or related(one.scene, "above"))),
    ("seen", lambda one: one.true and related(one.scene, "inside")),
    ("seen", lambda one: one.true and related(one.scene, "in front of")),
    ("seen", lambda one: one.true and len(one.scene.things) == 3),
    ("seen", lambda one: not one.true),
    ("seen", lambda one: not one.true),
    ("held-out", lambda one: not one.true),
)


def examples(model: Translator, *, count: int = LOOKED_AT) -> Iterator[Example]:
    """What is wanted, each from the first scene that was not taken; what there is none of is left out."""
    found = {kind: list(described(model, kind, count)) for kind in dict(WANTED)}
    for kind, wanted in WANTED:
        place = next((place for place, one in enumerate(found[kind]) if wanted(one)), None)
        if place is not None:
            yield found[kind].pop(place)


def described(model: Translator, kind: Combinations, count: int) -> Iterator[Example]:
    scenes = [scene(SEED, number, combinations=kind) for number in range(count)]
    captions = model.caption([picture(one, side=SIDE) for one in scenes], explain=True)
    yield from (Example(*pair) for pair in zip(scenes, captions, strict=True))


def drawn(found: Sequence[Example]) -> Any:
    """A row for each example: the picture, the caption, and the picture veiled where the model did not look."""
    style = {"font.family": "DejaVu Sans", "font.size": 9, "text.color": INK}
    with matplotlib.rc_context(style):
        size = (9.6, 1.95 * len(found))
        figure, rows = pyplot.subplots(len(found), COLUMNS, figsize=size, squeeze=False, dpi=110)
        figure.subplots_adjust(left=0.01, right=0.99, top=0.965, bottom=0.02, wspace=0.06, hspace=0.45)
        for axes, one in zip(rows, found, strict=True):
            row(axes, one)
        return figure


def row(axes: Sequence[Any], one: Example) -> None:
    for each in axes:
        each.set_axis_off()
    axes[0].imshow(one.caption.picture)
    colour, title = (TRUE, "true") if one.true else (FALSE, "false")
    style = {"ha": "left", "va": "bottom"}
    axes[0].text(0, -30, f"{title}:  {one.caption.text}", color=colour, fontsize=9.5, fontweight="bold", **style)
    axes[0].text(0, -9, there(one.scene), color=SOFT, fontsize=8, **style)
    for each, (word, heat) in zip(axes[1:], words(one.caption), strict=False):
        each.imshow(veiled(one.caption.picture, heat))
        each.set_title(fill(word, 12), fontsize=8.5, color=SOFT, pad=2, y=-0.17)


def there(one: Scene) -> str:
    """What there is in a scene, from back to front."""
    things = ", ".join(f"{thing.size} {thing.colour} {thing.shape}" for thing in one.things)
    return f"drawn: {things}; {one.background}"


def words(caption: Caption) -> Iterator[tuple[str, np.ndarray]]:
    """The words that are shown, in their order, with their heat maps as large as the picture."""
    for word, heat in zip(caption.words, caption.heat_maps(), strict=True):
        text = caption.text[slice(*word.target)]
        if text in SHOWN:
            yield text, heat.numpy()


def veiled(pixels: Any, heat: np.ndarray) -> np.ndarray:
    """The picture, dark where the model did not look."""
    light = VEIL + (1 - VEIL) * np.sqrt(heat / heat.max())[..., None]
    return np.asarray((pixels * light).astype(np.uint8))


def main() -> None:
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="scenes")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "docs" / "captioning.png")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    figure = drawn(list(examples(load(asked.model))))
    figure.savefig(asked.out, facecolor="white")
    print(f"written: {asked.out}")


if __name__ == "__main__":
    main()
