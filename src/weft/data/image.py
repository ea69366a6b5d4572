"""Pictures as a model reads them: opened, resized, cut, brought to a common range, and divided into patches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from weft.base.errors import ShapeError
from weft.base.padded import Padded
from weft.base.shapes import Float, Tensor
from weft.data.open_picture import from_array, to_array
from weft.data.open_picture import read_picture as read_picture
from weft.data.pixels import BILINEAR, Pixels

Image: TypeAlias = NDArray[np.uint8]
"""`[h w 3]`: red, green and blue from 0 to 255."""


def numbers(picture: Image, how: Pixels) -> Float[Tensor, "c h w"]:
    """What a model reads of a picture. Raises ShapeError if it is smaller than what is cut out of it."""
    resized_hwc = picture if how.size is None else resized(picture, how.size, resample=how.resample)
    pixels = torch.from_numpy(np.ascontiguousarray(resized_hwc)).permute(2, 0, 1)
    pixels = pixels if how.crop is None else _middle(pixels, how.crop)
    factor = 1.0 if how.scale is None else how.scale
    pixels = pixels.double() * factor
    pixels = pixels if how.mean is None else pixels - _channels(how.mean)
    return (pixels if how.deviation is None else pixels / _channels(how.deviation)).float()


def patches(pictures: Sequence[Image], how: Pixels, *, patch: tuple[int, int]) -> Padded:
    """Pictures as `[b s c p q]`: patches of that many pixels in reading order, all of them real."""
    values = torch.stack([cut(numbers(picture, how), patch=patch) for picture in pictures])
    return Padded(values, torch.ones(values.shape[:2], dtype=torch.bool))


def cut(pixels: Float[Tensor, "*b c h w"], *, patch: tuple[int, int]) -> Float[Tensor, "*b s c p q"]:
    """Patches in reading order, without the pixels beyond the last whole one."""
    down, across = patch
    tiles = pixels.unfold(-2, down, down).unfold(-2, across, across)  # c h w -> c rows columns p q
    return tiles.movedim(-5, -3).flatten(-5, -4)  # c rows columns p q -> rows columns c p q -> s c p q


def resized(
    picture: Image, size: tuple[int, int], *, resample: int = BILINEAR, box: tuple[float, ...] | None = None
) -> Image:
    """The picture, or the `box` (left, top, right, bottom) of it, with so many pixels down and across."""
    if picture.shape[:2] == size and box is None:
        return picture
    image: Any = from_array(picture)
    return to_array(image.resize((size[1], size[0]), resample=resample, box=box))


def _middle(pixels: Tensor, size: tuple[int, int]) -> Tensor:
    top, left = ((came - wanted) // 2 for came, wanted in zip(pixels.shape[1:], size, strict=True))
    if min(top, left) < 0:
        raise ShapeError(
            f"a picture must be at least {size[0]} x {size[1]} pixels, got {list(pixels.shape[1:])}; resize it first"
        )
    return pixels[:, top : top + size[0], left : left + size[1]]


def _channels(of_each: tuple[float, ...]) -> Tensor:
    return torch.tensor(of_each, dtype=torch.float64)[:, None, None]
