"""Inverted dropout that is cheap on a CPU."""

from __future__ import annotations

import torch
from torch import nn

from weft.base.errors import ConfigError
from weft.base.shapes import Float, Tensor
from weft.layers.bound import Bindable, Function, same


class Dropout(Bindable):
    """Zeroes values with probability `rate` in training and scales the rest up (Srivastava et al. 2014).

    On a CPU the cost of dropout is the drawing of random numbers, so one draw of 64 bits decides eight values, and the
    rate is rounded to a 256th, but neither to 0 nor to 1 (the scale follows the rounded rate). Elsewhere torch's own
    kernel is used as it is.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        if not 0.0 <= rate < 1.0:
            raise ConfigError(f"dropout must be at least 0 and below 1, got {rate}")
        self.rate = rate
        self._threshold = min(max(round(rate * 256), 1), 255) if rate else 0

    def bind(self) -> Function:
        return self.forward if self.training else same

    def forward(self, x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        if not self.training or self._threshold == 0:
            return x
        if x.device.type != "cpu":
            return nn.functional.dropout(x, self.rate)
        words = torch.empty((x.numel() + 7) // 8, dtype=torch.int64).random_(-(2**63), None)
        keep = (words.view(torch.uint8)[: x.numel()] >= self._threshold).view(x.shape)
        # At least float32: a scale rounded to bfloat16 would be off by up to 0.4 %, always to the same side.
        scale = keep.to(torch.promote_types(x.dtype, torch.float32)).mul_(256 / (256 - self._threshold))
        return (x * scale).to(x.dtype)

    def extra_repr(self) -> str:
        return f"rate={self.rate}"
