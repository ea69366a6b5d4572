"""A model opened to compute with: in the numbers that were asked for."""

from __future__ import annotations

from pathlib import Path

import torch

from weft.store import precision
from weft.store.folder import StoredModel
from weft.store.precision import Dtype
from weft.translating.opening import open_model


def open_in(model: str | Path, *, device: torch.device | str | None = None, dtype: Dtype = None) -> StoredModel:
    """What `open_model` opens, computing in float32 (None), bfloat16, float16, or in int8 on a CPU.

    Raises, before anything is read, ConfigError for other numbers and UnsupportedError for int8 elsewhere; and what
    `open_model` and `models.int8.to_int8` do.
    """
    name = precision.named(dtype)
    precision.check_device(name, device)
    return precision.computing_in(name, open_model(model, device=device, dtype=precision.FLOATS[name]))
