"""`preprocessor_config.json`: how the sounds or pictures of a checkpoint become numbers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, field_validator

from weft.base.validate import validate
from weft.data.audio import LogMel
from weft.data.pixels import Pixels
from weft.interop.checkpoint import read_json

OLD, NEW = "preprocessor_config.json", "processor_config.json"
HARMLESS = frozenset(
    [
        "_processor_class",
        "data_format",
        "device",
        "disable_grouping",
        "do_convert_rgb",
        "feature_extractor_type",
        "image_processor_type",
        "image_seq_length",
        "input_data_format",
        "mel_filters",
        "n_samples",
        "nb_max_frames",
        "pad_size",
        "padding_side",
        "processor_class",
        "return_attention_mask",
        "return_tensors",
    ]
)
"""Keys that are about Python objects, or repeat what others say."""


class _Sound(BaseModel):
    """What weft honours of WhisperFeatureExtractor; a `Literal` says that it honours that value alone."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    feature_size: int = 80
    sampling_rate: int = 16000
    n_fft: int = 400
    hop_length: int = 160
    chunk_length: int = 30
    padding_value: Literal[0] = 0
    dither: Literal[0] = 0
    do_normalize: Literal[False] | None = None

    @field_validator("padding_value", "dither", mode="before")
    @classmethod
    def _whole(cls, value: Any) -> Any:
        return int(value) if value == 0 else value


class _Picture(BaseModel):
    """What weft honours of ViTImageProcessor and DeiTImageProcessor, with ViT's defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    do_resize: bool = True
    size: tuple[int, int] = (224, 224)
    resample: int = 2
    do_center_crop: bool | None = False
    crop_size: tuple[int, int] | None = None
    do_rescale: bool = True
    rescale_factor: float = 1 / 255
    do_normalize: bool = True
    image_mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    image_std: tuple[float, ...] = (0.5, 0.5, 0.5)
    do_pad: Literal[False] | None = None

    @field_validator("size", "crop_size", mode="before")
    @classmethod
    def _down_and_across(cls, value: Any) -> Any:
        """Old files give one number, new ones two by name."""
        if isinstance(value, int):
            return (value, value)
        if isinstance(value, dict):
            sides = {key: side for key, side in value.items() if side is not None}
            if sides.keys() == {"height", "width"}:
                return (sides["height"], sides["width"])
        return value


def read_sound(folder: Path) -> LogMel:
    """How a checkpoint hears. Raises ConfigError for a value that weft cannot honour."""
    where, data = _read(folder, "feature_extractor")
    asked = validate(_Sound, data, where=where)
    return LogMel(
        rate=asked.sampling_rate,
        bands=asked.feature_size,
        window=asked.n_fft,
        hop=asked.hop_length,
        seconds=asked.chunk_length,
    )


def read_picture(folder: Path) -> Pixels:
    """How a checkpoint sees. Raises ConfigError for a value that weft cannot honour."""
    where, data = _read(folder, "image_processor")
    asked = validate(_Picture, data, where=where)
    return Pixels(
        size=asked.size if asked.do_resize else None,
        resample=asked.resample,
        crop=asked.crop_size if asked.do_center_crop else None,
        scale=asked.rescale_factor if asked.do_rescale else None,
        mean=asked.image_mean if asked.do_normalize else None,
        deviation=asked.image_std if asked.do_normalize else None,
    )


def _read(folder: Path, part: str) -> tuple[str, Mapping[str, Any]]:
    """The file that there is, and what it says; new files say it of one part of several."""
    path = folder / NEW if (folder / NEW).is_file() and not (folder / OLD).is_file() else folder / OLD
    data = read_json(path)
    data = data[part] if isinstance(data.get(part), dict) else data
    return str(path), {key: value for key, value in data.items() if key not in HARMLESS}
