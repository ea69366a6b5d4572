"""What a model reads, as data: text, sound or a picture, and how the encoder's shape differs from the decoder's."""

from __future__ import annotations

from math import prod
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

Activation: TypeAlias = Literal["relu", "gelu", "gelu_tanh", "silu", "reglu", "geglu", "geglu_tanh", "swiglu"]


class Text(BaseModel):
    """Token ids of the model's vocabulary."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    modality: Literal["text"] = "text"


class Sound(BaseModel):
    """Frames of a log-mel spectrogram; two of them become one position."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    modality: Literal["sound"]
    bands: int = Field(80, gt=0)
    """Mel bands: numbers in a frame."""
    positions: int = Field(1500, gt=0)
    """Positions that learned vectors are there for: half of the frames of a window."""
    position: Literal["evenly_spaced", "learned"] = "evenly_spaced"
    """How positions enter: sinusoids as in tensor2tensor, of which there is no end, or vectors of the model's own."""


class Stage(BaseModel):
    """One stage of a convolutional stem: a convolution that makes the picture smaller, then residual blocks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    channels: int = Field(gt=0)
    """Numbers at each place behind it."""
    step: int = Field(2, gt=0)
    """Pixels from one place to the next."""
    blocks: int = Field(0, ge=0)
    """Residual blocks of two convolutions, 3 x 3, at the smaller size."""


class ResamplerShape(BaseModel):
    """Latents that stand between encoder and decoder in the place of all positions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    latents: int = Field(gt=0)
    """How many positions the decoder reads, however many the encoder has."""
    layers: int = Field(2, gt=0)
    """How often they look at the encoder's states."""


class Picture(BaseModel):
    """Pixels of one size, cut into patches, one position each, in reading order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    modality: Literal["picture"]
    height: int = Field(gt=0)
    """Pixels from top to bottom."""
    width: int = Field(gt=0)
    """Pixels from left to right."""
    channels: int = Field(3, gt=0)
    """Numbers a pixel."""
    patch_height: int = Field(gt=0)
    patch_width: int = Field(gt=0)
    class_tokens: int = Field(1, ge=0)
    """Learned vectors that stand before the patches: a class token (1), a distillation token behind it (2)."""
    stem: tuple[Stage, ...] = ()
    """Convolutions that make one vector of the surroundings of each patch (their steps multiply to the patch's size);
    none: a patch is embedded by itself, as in ViT."""
    position: Literal["learned", "sinusoidal"] = "learned"
    """How places enter: vectors of the model's own, or sinusoids, half of the width for the row and half for the
    column."""

    resampler: ResamplerShape | None = None
    """Latents that the decoder reads in the place of the patches; None: it reads the patches."""

    @model_validator(mode="after")
    def _patches_fit(self) -> Picture:
        if self.patch_height > self.height or self.patch_width > self.width:
            raise ValueError(
                f"patches of {self.patch_height} x {self.patch_width} pixels do not fit a picture of {self.height} x "
                f"{self.width}; make them smaller"
            )
        return self

    @model_validator(mode="after")
    def _stem_fits(self) -> Picture:
        step, wanted = prod(stage.step for stage in self.stem), (self.patch_height, self.patch_width)
        if self.stem and wanted != (step, step):
            raise ValueError(
                f"the steps of the stem multiply to {step}, patches have {wanted[0]} x {wanted[1]} pixels; make them "
                "equal"
            )
        return self

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches; pixels beyond the last whole one are cut off."""
        return self.height // self.patch_height, self.width // self.patch_width

    @property
    def num_patches(self) -> int:
        """Patches of a picture."""
        return prod(self.grid)


Source: TypeAlias = Annotated[Text | Sound | Picture, Field(discriminator="modality")]


class EncoderShape(BaseModel):
    """Where the encoder differs from what the configuration says of both; None: it does not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: int | None = Field(None, gt=0)
    num_heads: int | None = Field(None, gt=0)
    feedforward_width: int | None = Field(None, gt=0)
    activation: Activation | None = None
    norm_epsilon: float | None = Field(None, gt=0.0)
    norm_position: Literal["pre", "post"] | None = None
    dropout: float | None = Field(None, ge=0.0, lt=1.0)
    attention_dropout: float | None = Field(None, ge=0.0, lt=1.0)
    feedforward_dropout: float | None = Field(None, ge=0.0, lt=1.0)


class SourceConfig(BaseModel):
    """One of several sources of a model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reads: Source = Text()
    """What it is made of: text, sound or a picture."""
    encoder: EncoderShape = EncoderShape()
    """Where its encoder differs from what the configuration says of all."""
    layers: int | None = Field(None, ge=0)
    """Layers of its encoder; None: as encoder_layers."""
    same_as: str | None = None
    """An earlier source whose encoder reads this one too; None: it has its own."""
    required: bool = False
    """Whether every input must have it; one that is not may be missing."""


Fusion: TypeAlias = Literal["concat", "serial", "parallel", "hierarchical", "gated"]
