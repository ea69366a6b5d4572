"""Pictures with captions and heat maps made by hand, for tests of the page that shows them."""

from __future__ import annotations

import io

import torch
from PIL import Image

from weft.alignment.picture_page import DrawnCaption, DrawnPicture
from weft.alignment.words import words
from weft.base.shapes import Tensor
from weft.data.scene_pictures import picture
from weft.data.scenes import Scene, Thing

ROWS, COLUMNS = 5, 7
RED = Thing("circle", "red", "large", x=0.3, y=0.35, radius=0.18, turn=0.0)
BLUE = Thing("star", "blue", "small", x=0.75, y=0.7, radius=0.1, turn=0.1)


def png(side: int = 64, background: str = "white") -> bytes:
    """A red circle above a blue star."""
    file = io.BytesIO()
    Image.fromarray(picture(Scene((RED, BLUE), background, (1, 1)), side=side)).save(file, "png")
    return file.getvalue()


def heat(text: str, *peaks: tuple[int, int], mass: float = 1.0) -> Tensor:
    """For each word all attention but a tenth, which is even, on one field."""
    found = torch.full((len(words(text)), ROWS, COLUMNS), 0.1 / (ROWS * COLUMNS))
    for map_, (row, column) in zip(found, peaks, strict=True):
        map_[row, column] += 0.9
    return found * mass


def caption(text: str, *peaks: tuple[int, int], score: float = -0.25, mass: float = 1.0) -> DrawnCaption:
    shares = [0.99 - 0.07 * place for place in range(len(words(text)))]
    return DrawnCaption(text, score, words(text), shares, heat(text, *peaks, mass=mass))


def scene(*, side: int = 64, name: str = "scene.png", window: tuple[float, ...] = (0.0, 0.0, 1.0, 1.0)) -> DrawnPicture:
    """Two captions of one picture."""
    best = caption("a red circle above a star", (1, 2), (1, 2), (1, 2), (2, 3), (3, 5), (3, 5))
    other = caption("a star below a circle", (3, 5), (3, 5), (2, 3), (1, 2), (1, 2), score=-0.5, mass=0.8)
    left, top, right, bottom = window
    return DrawnPicture(name, png(side), "image/png", (side, side), (best, other), (left, top, right, bottom))
