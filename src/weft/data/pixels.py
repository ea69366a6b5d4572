"""How pictures become numbers, as data: sizes and ranges, and what training changes at random."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

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


class Augmentation(BaseModel):
    """What training changes in a picture each time it is seen, drawn anew; by default nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    smallest: float = Field(1.0, gt=0.0, le=1.0)
    """The smallest part of a picture's area that is cut out and resized; 1 takes all of it."""
    stretch: float = Field(1.0, ge=1.0)
    """By how much the cut may be wider or narrower than the picture; 1 keeps its proportions."""
    flip: float = Field(0.0, ge=0.0, le=1.0)
    """How often left and right change places."""
    brightness: float = Field(0.0, ge=0.0, lt=1.0)
    """Numbers are multiplied by 1 plus or minus up to this."""
    contrast: float = Field(0.0, ge=0.0, lt=1.0)
    """Their distance from the picture's mean is multiplied by 1 plus or minus up to this."""
    saturation: float = Field(0.0, ge=0.0, lt=1.0)
    """Their distance from grey is multiplied by 1 plus or minus up to this."""


class PictureReading(BaseModel):
    """What a recipe says of its pictures."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    """Subtracted from numbers between 0 and 1, one a channel."""
    deviation: tuple[float, ...] = (0.5, 0.5, 0.5)
    """What the rest is divided by."""
    augmentation: Augmentation = Augmentation()
    """What training changes."""
    blind: bool = False
    """Whether every picture is replaced by one of zeros: what a model can say without looking, to compare with."""

    def pixels(self, height: int, width: int) -> Pixels:
        """How a model that reads this size sees."""
        return Pixels(size=(height, width), mean=self.mean, deviation=self.deviation)
