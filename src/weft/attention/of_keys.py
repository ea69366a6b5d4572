"""Masks that only say which keys are real, the same for every query and head."""

from __future__ import annotations

import torch

from weft.attention.masks import Full, Mask, Padding
from weft.attention.protocol import KeyValues
from weft.base.shapes import Bool, Tensor


def of_keys(mask: Mask, k: Tensor) -> bool:
    """Whether every query of every head may attend to the same of these keys `[b g s k]`."""
    if isinstance(mask, Full | Padding):
        return True
    return mask.same_for_all_queries() and _table(mask, k).shape[1] == 1


def real_keys(memory: KeyValues) -> Bool[Tensor, "b s"]:
    """Which keys every query may attend to, where `of_keys` holds."""
    b, _, s, _ = memory.k.shape
    return _table(memory.mask, memory.k)[:, 0, 0].expand(b, s)


def _table(mask: Mask, k: Tensor) -> Bool[Tensor, "#b #h 1 s"]:
    return mask.dense(torch.zeros(1, dtype=torch.long, device=k.device), torch.arange(k.shape[2], device=k.device))
