"""Model and loss as one module, so that what is wrapped for several processes is what is differentiated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, cast

import torch
from torch import nn

from weft.base.edges import Edges
from weft.base.padded import Padded, Shared
from weft.base.shapes import Float, Int, Tensor
from weft.base.sources import Sources
from weft.training.loss import projected_cross_entropy


class Trainable(Protocol):
    """What a model must offer to be trained: the states before the output projection, and the projection's table."""

    def states(self, source: Padded | Shared | Sources, target: Int[Tensor, "b t"]) -> Float[Tensor, "b t columns"]: ...

    def projection(self) -> Float[Tensor, "w columns"]: ...


class Guidable(Trainable, Protocol):
    """What a model must offer for its alignment to be guided."""

    def aligned_states(
        self, source: Padded | Shared | Sources, target: Int[Tensor, "b t"], edges: Edges
    ) -> tuple[Float[Tensor, "b t d"], Float[Tensor, ""]]:
        """The states, and the log-likelihood of the edges: the weighted sum of log weights of its alignment head."""
        ...


@dataclass(frozen=True)
class Losses:
    """Sums over the target tokens of a batch, in nats: what is minimised, and what it is made of."""

    minimised: Float[Tensor, ""]
    smoothed: Float[Tensor, ""]
    likelihood: Float[Tensor, ""]
    alignment: Float[Tensor, ""]


class Objective(nn.Module):
    """Summed label-smoothed cross-entropy of the real target tokens; padding is not even projected.

    With `guidance`, so many times the cross-entropy of the alignment head against the given edges is added (Garg et al.
    2019, section 4.2): the model is then `Guidable`.
    """

    def __init__(
        self, model: nn.Module, *, smoothing: float, guidance: float = 0.0, autocast: torch.dtype | None = None
    ) -> None:
        """`model` is a `Trainable`; `autocast` is what products run in, None for the dtype of the weights."""
        super().__init__()
        self.model, self.smoothing, self.guidance, self.autocast = model, smoothing, guidance, autocast

    def forward(
        self, source: Padded | Shared | Sources, target_input: Int[Tensor, "b t"], target_output: Padded, edges: Edges
    ) -> Losses:
        states, alignment = self._states(source, target_input, edges)
        real, table = target_output.keep, cast(Trainable, self.model).projection()
        loss = projected_cross_entropy(
            states[real], table, target_output.values[real], self.smoothing, self.autocast or table.dtype
        )
        minimised = loss.smoothed + self.guidance * alignment
        return Losses(minimised, loss.smoothed.detach(), loss.likelihood, alignment.detach())

    def _states(self, source: Padded | Shared | Sources, target: Tensor, edges: Edges) -> tuple[Tensor, Tensor]:
        """The model's states, and the summed loss of its alignment: zero where nothing guides it."""
        with torch.autocast(target.device.type, self.autocast, enabled=self.autocast is not None):
            if not self.guidance:
                return cast(Trainable, self.model).states(source, target), torch.zeros((), device=target.device)
            states, likelihood = cast(Guidable, self.model).aligned_states(source, target, edges)
            return states, -likelihood
