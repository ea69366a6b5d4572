"""Keys and values as they come, without a copy where there is no padding to be silenced."""

from __future__ import annotations

from dataclasses import replace

from weft.attention.masks import Full, Mask
from weft.attention.protocol import KeyValues, checked
from weft.base.shapes import Tensor


def unpadded(k: Tensor, v: Tensor, mask: Mask, bias: Tensor | None) -> KeyValues:
    """As `checked`: what fits together, with zeros at padding. A long source of its own has none, and is not copied."""
    keep = mask.key_keep()
    if keep is None or not bool(keep.all()):
        return checked(k, v, mask, bias)
    mask.check((k.shape[0], None, None, k.shape[2]))
    return replace(checked(k, v, Full(), bias), mask=mask)
