"""Pictures as a model reads them: resized, cut, brought to a common range, and divided into patches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field

from weft.base.errors import ShapeError, UnsupportedError
from weft.base.padded import Padded
from weft.base.shapes import Float, Tensor

if TYPE_CHECKING:
    from PIL.Image import Image

BILINEAR = 2


class Pixels(BaseModel):
    """How a picture becomes numbers; as ViT sees by default. Sizes are pixels down, then across."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: tuple[int, int] | None = (224, 224)
    """What every picture is resized to, whatever its proportions; None: it stays as large as it is."""
    resample: int = Field(BILINEAR, ge=0, le=5)
    """The filter of resizing, as pillow counts them: 2 is bilinear, 3 bicubic."""
    crop: tuple[int, int] | None = None
    """What is then cut out of its middle; None: all of it."""
    scale: float | None = 1 / 255
    """What numbers from 0 to 255 are multiplied by; None: nothing."""
    mean: tuple[float, ...] | None = (0.5, 0.5, 0.5)
    """What is then subtracted, a number for each channel; None: nothing."""
    deviation: tuple[float, ...] | None = (0.5, 0.5, 0.5)
    """What the rest is divided by; None: nothing."""

    def read(self, image: Image) -> Float[Tensor, "c h w"]:
        """The numbers of a picture, red, green and blue. Raises ShapeError if it is smaller than what is cut out."""
        image = image.convert("RGB")
        if self.size is not None:
            image = image.resize((self.size[1], self.size[0]), resample=_pillow().Resampling(self.resample))
        pixels = torch.from_numpy(np.asarray(image, dtype=np.float64)).permute(2, 0, 1)
        pixels = pixels if self.crop is None else _middle(pixels, self.crop)
        pixels = pixels if self.scale is None else pixels * self.scale
        pixels = pixels if self.mean is None else pixels - _channels(self.mean)
        return (pixels if self.deviation is None else pixels / _channels(self.deviation)).float()

    def patches(self, images: Sequence[Image], *, patch: tuple[int, int]) -> Padded:
        """Pictures as `[b s c p q]`: patches of that many pixels in reading order, all of them real."""
        values = torch.stack([cut(self.read(image), patch=patch) for image in images])
        return Padded(values, torch.ones(values.shape[:2], dtype=torch.bool))


def cut(pixels: Float[Tensor, "*b c h w"], *, patch: tuple[int, int]) -> Float[Tensor, "*b s c p q"]:
    """Patches in reading order, without the pixels beyond the last whole one."""
    down, across = patch
    tiles = pixels.unfold(-2, down, down).unfold(-2, across, across)  # c h w -> c rows columns p q
    return tiles.movedim(-5, -3).flatten(-5, -4)  # c rows columns p q -> rows columns c p q -> s c p q


def _middle(pixels: Tensor, size: tuple[int, int]) -> Tensor:
    top, left = ((came - wanted) // 2 for came, wanted in zip(pixels.shape[1:], size, strict=True))
    if min(top, left) < 0:
        raise ShapeError(
            f"a picture must be at least {size[0]} x {size[1]} pixels, got {list(pixels.shape[1:])}; resize it first"
        )
    return pixels[:, top : top + size[0], left : left + size[1]]


def _channels(numbers: tuple[float, ...]) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)[:, None, None]


def _pillow() -> Any:
    try:
        import PIL.Image
    except ImportError as error:
        raise UnsupportedError('pictures want pillow, which is not installed: pip install "weft[image]"') from error
    return PIL.Image
