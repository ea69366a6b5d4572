"""The numbers that a model computes with, by name: as they are loaded, and what is done to them then."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Literal, TypeAlias, get_args

import torch

from weft.base.errors import ConfigError, UnsupportedError
from weft.models.int8 import to_int8
from weft.store.folder import StoredModel

Precision: TypeAlias = Literal["float32", "bfloat16", "float16", "int8"]
INT8 = "int8"
Dtype: TypeAlias = torch.dtype | Precision | None
"""How callers name a type of numbers; None: float32."""
FLOATS = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
    "float64": torch.float64,
    INT8: torch.float32,
}
"""The type in which parameters are loaded."""


def named(dtype: torch.dtype | str | None) -> str:
    """The name of a type of numbers, or of torch's; None: float32. Raises ConfigError for one that is not there."""
    name = "float32" if dtype is None else str(dtype).removeprefix("torch.")
    if name in FLOATS:
        return name
    raise ConfigError(f"dtype must be one of {', '.join(get_args(Precision))}, got {name}; choose one of these")


def check_device(name: str, device: torch.device | str | None) -> None:
    """Raises UnsupportedError for a device that does not compute in these numbers."""
    if name == INT8 and torch.device(device or "cpu").type != "cpu":
        raise UnsupportedError(
            f"int8 is for processors, got device {device}; leave the device out, or load in bfloat16 or float16"
        )


def computing_in(name: str, stored: StoredModel) -> StoredModel:
    """The model as it computes in these numbers; sources that it encodes in int8 are of another fingerprint."""
    if name != INT8:
        return stored
    fingerprint = hashlib.sha256(f"{stored.fingerprint} {INT8}".encode()).hexdigest()
    return replace(stored, model=to_int8(stored.model), fingerprint=fingerprint)
