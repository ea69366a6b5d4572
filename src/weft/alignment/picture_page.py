"""A page of pictures, what a model wrote of them, and where it looked for each word: one file that needs no other."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from weft.alignment.document import document, rounded
from weft.alignment.draw import percent, woven
from weft.alignment.heat import entropy
from weft.alignment.link import Span
from weft.base.errors import ShapeError
from weft.base.shapes import Float, Tensor

SMALL = 160
"""Pixels of the longer side up to which a picture is shown pixel by pixel instead of smoothed."""


@dataclass(frozen=True)
class DrawnCaption:
    """A caption, its words, how probable each of them was, and where the model looked when it wrote it.

    `heat` `[j rows columns]` holds shares of the attention for word j; what they lack of 1 was on no place.
    """

    text: str
    score: float
    words: Sequence[Span]
    probabilities: Sequence[float]
    heat: Float[Tensor, "j rows columns"]

    def __post_init__(self) -> None:
        if self.heat.ndim != 3 or not len(self.words) == len(self.probabilities) == len(self.heat):
            raise ShapeError(
                f"a caption of {len(self.words)} words wants as many probabilities and heat [j rows columns], got "
                f"{len(self.probabilities)} and {list(self.heat.shape)}; give one of each a word"
            )


@dataclass(frozen=True)
class DrawnPicture:
    """A picture as the bytes of a file, and its captions, best first.

    `window` is what of the picture the model read: left, top, right and bottom as shares of its width and height.
    """

    name: str
    file: bytes
    media_type: str
    size: tuple[int, int]
    """Pixels down and across."""
    captions: Sequence[DrawnCaption]
    window: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)


def picture_page(pictures: Sequence[DrawnPicture], *, title: str = "Captions", note: str = "") -> str:
    """One self-contained HTML page, on which a word in view shows where in its picture the model looked.

    Text is escaped and never read as HTML; the page's policy lets no script run but its own, and nothing be loaded.
    """
    return document(
        "pictures.html",
        title=title,
        note=note,
        styles=("page.css", "pictures.css"),
        scripts=("elements.js", "pictures.js"),
        data=[_numbers(one) for one in pictures],
        parts={"pictures": "".join(_section(one) for one in pictures)},
        pictures=True,
    )


def _section(picture: DrawnPicture) -> str:
    height, width = picture.size
    source = f"data:{picture.media_type};base64,{base64.b64encode(picture.file).decode()}"
    small = " small" if max(picture.size) <= SMALL else ""
    best, *others = picture.captions
    ranked = "".join(_ranked(caption) for caption in others)
    return (
        f'<section class="picture" aria-label="{escape(picture.name)}"><figure class="seen">'
        f'<div class="frame{small}">'
        f'<img src="{source}" width="{width}" height="{height}" alt="{escape(best.text)}"></div>'
        f"<figcaption>{escape(picture.name)}</figcaption></figure>"
        f'<div class="said"><h2>{escape(best.text)}</h2>{_tiles(best)}'
        f'<p class="readout" aria-live="polite"></p>'
        + (f'<ol class="ranked" aria-label="Further captions">{ranked}</ol>' if ranked else "")
        + "</div></section>\n"
    )


def _ranked(caption: DrawnCaption) -> str:
    return f'<li><span class="score">{_signed(caption.score)}</span>{_tiles(caption)}</li>'


def _signed(score: float) -> str:
    return f"{score:.2f}".replace("-", "\u2212")


def _tiles(caption: DrawnCaption) -> str:
    """Each word with its probability; what stands between words stays where it is."""
    tiles = [
        f'<span class="tile"><b><bdi>{escape(caption.text[slice(*span)])}</bdi></b> '
        f"<small>{percent(probability)}</small></span>"
        for span, probability in zip(caption.words, caption.probabilities, strict=True)
    ]
    words = woven(caption.text, caption.words, tiles)
    return f'<div class="tiles" role="group" aria-label="Words">{words}</div>'


def _numbers(picture: DrawnPicture) -> dict[str, object]:
    rows, columns = picture.captions[0].heat.shape[1:]
    return {
        "grid": [rows, columns],
        "window": rounded(picture.window),
        "captions": [[_word(*each) for each in _each_word(caption)] for caption in picture.captions],
    }


def _each_word(caption: DrawnCaption) -> list[tuple[float, Float[Tensor, "rows columns"]]]:
    return list(zip(caption.probabilities, caption.heat.detach().double().cpu(), strict=True))


def _word(probability: float, heat: Float[Tensor, "rows columns"]) -> dict[str, object]:
    total = float(heat.sum())
    spread = entropy(heat.reshape(1, -1) / max(total, 1e-12)).exp() if total else heat.new_zeros(1)
    return {
        "heat": rounded(heat.flatten().tolist()),
        "probability": round(float(probability), 4),
        "spread": round(float(spread), 2),
        "fields": heat.numel(),
        "nowhere": round(max(0.0, 1 - total), 4),
    }
