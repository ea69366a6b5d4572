"""What a captioner answers: text, scores, words, and where in the picture it looked for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from weft.alignment.confidence import Word
from weft.alignment.picture_page import DrawnCaption, DrawnPicture, picture_page
from weft.base.errors import UnsupportedError
from weft.base.shapes import Float, Tensor
from weft.data.image import Image
from weft.data.picture_file import encoded
from weft.translating.picture_heat import Window, upsampled

_WHOLE = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True)
class CaptionHypothesis:
    """One way to describe a picture."""

    text: str
    score: float
    """What ranks hypotheses: the summed log-probability, `</s>` included, over length ** alpha."""
    log_probability: float
    """The plain sum, natural logarithm."""
    words: tuple[Word, ...] = ()
    """Each word with its confidence: how probable the model found it after what stands before it."""
    heat: Float[Tensor, "j rows columns"] | None = field(default=None, compare=False, repr=False)
    """For each word the share of attention on each place of the picture; None unless it was asked for."""

    def to_json(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "score": self.score,
            "log_probability": self.log_probability,
            "words": [word.to_json() for word in self.words],
        }

    def drawn(self) -> DrawnCaption:
        """The words with their heat maps, to be drawn; UnsupportedError if these were not asked for."""
        if self.heat is None:
            raise UnsupportedError("this caption carries no heat maps; caption with explain=True")
        spans, confidences = [word.target for word in self.words], [word.confidence for word in self.words]
        return DrawnCaption(self.text, self.score, spans, confidences, self.heat)


@dataclass(frozen=True)
class Caption(CaptionHypothesis):
    """The best hypothesis for a picture, and the n best ones, of which it is the first."""

    image: str = ""
    """The path of the picture, or how it came: "bytes", "array", "picture"."""
    hypotheses: tuple[CaptionHypothesis, ...] = ()
    picture: Image | None = field(default=None, compare=False, repr=False)
    """The pixels; None unless heat maps were asked for."""
    window: Window = _WHOLE
    """What of the picture the model read: left, top, right and bottom as shares of its width and height."""

    def __str__(self) -> str:
        return self.text

    def to_json(self) -> dict[str, Any]:
        """The object that `weft caption --format json` prints."""
        return {
            "image": self.image,
            **super().to_json(),
            "hypotheses": [hypothesis.to_json() for hypothesis in self.hypotheses],
        }

    def heat_maps(self) -> Float[Tensor, "j h w"]:
        """The heat map of each word, as large as the picture; UnsupportedError if they were not asked for."""
        if self.heat is None or self.picture is None:
            raise UnsupportedError("this caption carries no heat maps; caption with explain=True")
        return upsampled(self.heat, (self.picture.shape[0], self.picture.shape[1]), self.window)

    def drawing(self) -> DrawnPicture:
        """The picture with all hypotheses and their heat maps, to be drawn."""
        drawn = [hypothesis.drawn() for hypothesis in self.hypotheses]
        assert self.picture is not None, "where there is heat there is a picture"
        file, media_type = encoded(self.picture)
        size = (self.picture.shape[0], self.picture.shape[1])
        return DrawnPicture(self.image, file, media_type, size, drawn, self.window)

    def _repr_html_(self) -> str:
        """The page in a frame of its own, in which only its own script runs; without heat maps the text."""
        if self.heat is None:
            return f"<strong>{escape(self.text)}</strong>"
        return (
            f'<iframe srcdoc="{escape(captions_page([self]))}" sandbox="allow-scripts" title="{escape(self.text)}" '
            'style="width:100%;height:36rem;border:0;border-radius:6px"></iframe>'
        )


def captions_page(captions: Sequence[Caption], *, note: str = "") -> str:
    """One HTML page that needs nothing but itself: a word in view shows where in its picture the model looked.

    Raises UnsupportedError for captions without heat maps.
    """
    return picture_page([caption.drawing() for caption in captions], note=note)
