"""The pictures of a corpus, each decoded once and kept as bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from weft.data.image import Image, resized
from weft.data.open_picture import read_picture

ROOM = 1.25
"""How much larger than the model reads them pictures are kept, so that a cut of one is not blurred."""


class Pictures:
    """Decoded pictures by number; 6,000 of 160 x 160 pixels take 460 MB."""

    def __init__(self, pictures: Sequence[Image]) -> None:
        self._pictures = list(pictures)

    @classmethod
    def read(cls, pictures: Iterable[Path | Image], *, size: tuple[int, int]) -> Pictures:
        """Files, or pixels, none larger than is of use to a model that reads `size` (down, across)."""
        most = (round(ROOM * size[0]), round(ROOM * size[1]))
        return cls([_at_most(read_picture(picture), most) for picture in pictures])

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, number: int) -> Image:
        return self._pictures[number]


def _at_most(picture: Image, size: tuple[int, int]) -> Image:
    wanted = tuple(np.minimum(picture.shape[:2], size).tolist())
    return resized(picture, (wanted[0], wanted[1]))
