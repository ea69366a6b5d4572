"""What matrix products run in, by name and device."""

from __future__ import annotations

import torch

from weft.base.errors import ConfigError

_DTYPES = {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}


def autocast_dtype(precision: str, device: torch.device) -> torch.dtype | None:
    """The dtype of products under autocast; None: that of the weights, float32.

    `auto` is bfloat16 on a GPU that computes in it, and float32 on everything else. Raises ConfigError for float16 on a
    CPU, which has no fast products of it and would only overflow.
    """
    if precision == "auto":
        good = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if good else None
    if precision == "float16" and device.type == "cpu":
        raise ConfigError(
            "training.precision float16 wants a GPU, got a CPU, which is slow at it; take float32, or bfloat16 where "
            "the CPU has AMX"
        )
    return _DTYPES[precision]
