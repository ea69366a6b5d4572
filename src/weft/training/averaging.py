"""Averaged weights: smoother than any single update."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from weft.base.shapes import Tensor


class MovingAverage:
    """An exponential moving average of a model's parameters (Polyak and Juditsky 1992), kept beside them.

    The decay rises with the number of updates, min(decay, (1 + n) / (10 + n)), so that the random start is soon
    forgotten. With decay 0 the average is the model itself and costs nothing.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self._parameters = dict(model.named_parameters())
        self.average = {name: p.detach().clone() for name, p in self._parameters.items()} if decay else {}

    @torch.no_grad()
    def update(self, num_updates: int) -> None:
        """Takes in the parameters after update number `num_updates`."""
        if self.average:
            weight = 1 - min(self.decay, (1 + num_updates) / (10 + num_updates))
            torch._foreach_lerp_(list(self.average.values()), [p.detach() for p in self._parameters.values()], weight)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within the block the model has the averaged weights."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    @torch.no_grad()
    def _swap(self) -> None:
        for name, average in self.average.items():
            own = self._parameters[name].detach().clone()
            self._parameters[name].copy_(average)
            average.copy_(own)

    def state_dict(self) -> dict[str, Tensor]:
        return dict(self.average)

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        for name, average in self.average.items():
            average.copy_(state[name])
