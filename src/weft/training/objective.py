"""Model and loss as one module, so that what is wrapped for several processes is what is differentiated."""

from __future__ import annotations

from typing import Protocol, cast

import torch
from torch import nn

from weft.base.padded import Padded
from weft.base.shapes import Float, Int, Tensor
from weft.training.loss import Loss, projected_cross_entropy


class Trainable(Protocol):
    """What a model must offer to be trained: the states before the output projection, and the projection's table."""

    def states(self, source: Padded, target: Int[Tensor, "b t"]) -> Float[Tensor, "b t d"]: ...

    def projection(self) -> Float[Tensor, "w d"]: ...


class Objective(nn.Module):
    """Summed label-smoothed cross-entropy of the real target tokens; padding is not even projected."""

    def __init__(self, model: nn.Module, *, smoothing: float, autocast: torch.dtype | None = None) -> None:
        """`model` is a `Trainable`; `autocast` is what products run in, None for the dtype of the weights."""
        super().__init__()
        self.model, self.smoothing, self.autocast = model, smoothing, autocast

    def forward(self, source: Padded, target_input: Int[Tensor, "b t"], target_output: Padded) -> Loss:
        model = cast(Trainable, self.model)
        with torch.autocast(target_input.device.type, self.autocast, enabled=self.autocast is not None):
            states = model.states(source, target_input)
        real, table = target_output.keep, model.projection()
        return projected_cross_entropy(
            states[real], table, target_output.values[real], self.smoothing, self.autocast or table.dtype
        )
