"""Pictures changed at random while training: cut, turned around and recoloured."""

from __future__ import annotations

import numpy as np

from weft.data.image import Image, resized
from weft.data.pixels import Augmentation

Generator = np.random.Generator
LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)


def augmented(picture: Image, how: Augmentation, *, size: tuple[int, int], generator: Generator) -> Image:
    """Another look at a picture, of the given size (down, across); the same one for the same state of the generator."""
    draws = generator.random(8)  # always as many, so that switching one change off leaves the others as they were
    box = _box(picture.shape[0], picture.shape[1], how, draws)
    picture = resized(picture, size, box=box)
    if draws[4] < how.flip:
        picture = np.ascontiguousarray(picture[:, ::-1])
    return _recoloured(picture, how, 2 * draws[5:] - 1)


def _box(height: int, width: int, how: Augmentation, draws: np.ndarray) -> tuple[float, ...] | None:
    """Left, top, right, bottom of a cut: its area and its proportions are drawn, then where it stands."""
    if how.smallest == 1 and how.stretch == 1:
        return None
    area = how.smallest + (1 - how.smallest) * draws[0]
    stretch = how.stretch ** (2 * draws[1] - 1)
    across, down = min(1.0, (area * stretch) ** 0.5) * width, min(1.0, (area / stretch) ** 0.5) * height
    left, top = draws[2] * (width - across), draws[3] * (height - down)
    return left, top, min(left + across, width), min(top + down, height)


def _recoloured(picture: Image, how: Augmentation, draws: np.ndarray) -> Image:
    """Brightness, then contrast, then saturation; `draws` are from -1 to 1."""
    if not (how.brightness or how.contrast or how.saturation):
        return picture
    brightness, contrast, saturation = 1 + draws * (how.brightness, how.contrast, how.saturation)
    x_hwc = picture.astype(np.float32) * np.float32(brightness)
    grey_hw = x_hwc @ LUMINANCE
    mean = grey_hw.mean()
    # All three are linear, so contrast and saturation are one pass: towards the mean, and towards grey.
    own, towards_grey = np.float32(contrast * saturation), np.float32(contrast * (1 - saturation))
    x_hwc *= own
    x_hwc += (towards_grey * grey_hw + np.float32((1 - contrast) * mean))[:, :, None]
    return np.clip(x_hwc, 0, 255, out=x_hwc).astype(np.uint8)
