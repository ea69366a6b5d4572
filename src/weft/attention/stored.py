"""Keys and values in fewer bits: bfloat16 halves what they take, int8 with one unit a position quarters it."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import torch

from weft.attention.protocol import KeyValues, Units
from weft.base.shapes import Float, Int, Tensor

Numbers = Literal["float32", "bfloat16", "int8"]
"""How keys and values are kept; float32 means as they come."""
_LARGEST = 127


def stored(memory: KeyValues, numbers: Numbers) -> KeyValues:
    """The same memory with its keys and values in other numbers; gradients do not pass through int8.

    bfloat16 keeps 8 bits of each number. int8 keeps a number's multiple of |x|max / 127, |x|max being the largest of
    its position and head, so that the error of each is at most half of that unit.
    """
    if numbers == "float32" or memory.units is not None:
        return memory
    if numbers == "bfloat16":
        return replace(memory, k=memory.k.bfloat16(), v=memory.v.bfloat16())
    (k, k_units), (v, v_units) = _counted(memory.k.detach()), _counted(memory.v.detach())
    return replace(memory, k=k, v=v, units=Units(k_units, v_units))


def _counted(x: Float[Tensor, "b g s k"]) -> tuple[Int[Tensor, "b g s k"], Float[Tensor, "b g s 1"]]:
    """Each number as a count of its position's unit, and the units."""
    if x.numel() == 0:
        return x.to(torch.int8), x.new_ones(*x.shape[:3], 1, dtype=torch.float32)
    largest = x.abs().amax(-1, keepdim=True).float()
    units = torch.where(largest > 0, largest / _LARGEST, 1.0)
    return (x.float() / units).round().to(torch.int8), units
