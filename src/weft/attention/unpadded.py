"""Keys and values as they come, without a copy where there is no padding to be silenced."""

from __future__ import annotations

from dataclasses import replace

import torch

from weft.attention.masks import Full, Mask
from weft.attention.protocol import KeyValues, checked
from weft.base.shapes import Int, Tensor


def real_lengths(memory: KeyValues) -> Int[Tensor, " b"]:
    """How many keys of each row of the batch at least some query may attend to, as far as masks tell."""
    keep = memory.mask.key_keep()
    b, _, s, _ = memory.k.shape
    return torch.full((b,), s, device=memory.k.device) if keep is None else keep.sum(1).expand(b)


def unpadded(k: Tensor, v: Tensor, mask: Mask, bias: Tensor | None) -> KeyValues:
    """As `checked`: what fits together, with zeros at padding. A long source of its own has none, and is not copied."""
    keep = mask.key_keep()
    if keep is None or not bool(keep.all()):
        return checked(k, v, mask, bias)
    mask.check((k.shape[0], None, None, k.shape[2]))
    return replace(checked(k, v, Full(), bias), mask=mask)
