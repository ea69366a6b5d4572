"""Model and loss as one module, so that what is wrapped for several processes is what is differentiated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, cast

import torch
import torch.nn.functional as F
from torch import nn

from weft.base.edges import Edges
from weft.base.padded import Padded, Shared
from weft.base.shapes import Float, Int, Tensor
from weft.base.sources import Sources
from weft.training.gist import foretelling, telling_apart, word_counts
from weft.training.loss import Loss, projected_cross_entropy


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


class Gisted(Trainable, Protocol):
    """What a model must offer for what it reads, p sources, to be summed up."""

    def states_and_gist(
        self, source: Padded | Shared, target: Int[Tensor, "b t"]
    ) -> tuple[Float[Tensor, "b t columns"], Float[Tensor, "p columns"]]:
        """The states, and one vector of each source that is projected as they are."""
        ...

    def gist(self, source: Padded | Shared) -> Float[Tensor, "p columns"]:
        """That vector alone; no decoder is run."""
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
    2019, section 4.2): the model is then `Guidable`. With `gist`, so many times the cross-entropy of every target token
    given nothing but the mean of what was read: an encoder that begins from nothing learns to see while the decoder
    would still do without it. The model is then `Gisted`. With `contrast`, so many times the cross-entropy of telling
    by these gists whose target is whose, a target's tokens each counting once. `reading_only`: those two alone, and
    nothing is decoded.

    Sources are told apart within a micro-batch: the contrast alone depends on how an update is divided.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        smoothing: float,
        guidance: float = 0.0,
        gist: float = 0.0,
        contrast: float = 0.0,
        reading_only: bool = False,
        autocast: torch.dtype | None = None,
    ) -> None:
        """`model` is a `Trainable`; `autocast` is what products run in, None for the dtype of the weights."""
        super().__init__()
        self.model, self.smoothing, self.autocast = model, smoothing, autocast
        self.guidance, self.gist, self.contrast, self.reading_only = guidance, gist, contrast, reading_only

    def forward(
        self, source: Padded | Shared | Sources, target_input: Int[Tensor, "b t"], target_output: Padded, edges: Edges
    ) -> Losses:
        if self.reading_only:
            return self._told_by_gist(source, target_output)
        states, gist, alignment = self._states(source, target_input, edges)
        loss = self._cross_entropy(states, target_output)
        minimised = loss.smoothed + self.guidance * alignment
        if gist is not None:
            minimised = minimised + self._of_gist(gist, cast(Shared, source), target_output)[0]
        return Losses(minimised, loss.smoothed.detach(), loss.likelihood, alignment.detach())

    def _told_by_gist(self, source: Padded | Shared | Sources, target: Padded) -> Losses:
        source = cast(Shared, source)
        with torch.autocast(target.values.device.type, self.autocast, enabled=self.autocast is not None):
            gist = cast(Gisted, self.model).gist(source)
        minimised, loss = self._of_gist(gist, source, target)
        nothing = torch.zeros((), device=target.values.device)
        return Losses(minimised, loss.smoothed.detach(), loss.likelihood, nothing)

    def _of_gist(
        self, gist: Float[Tensor, "p columns"], source: Padded | Shared, target: Padded
    ) -> tuple[Float[Tensor, ""], Loss]:
        """What is minimised, and the loss of the real target tokens, each from the gist of its source."""
        table = cast(Trainable, self.model).projection()
        dtype = self.autocast or table.dtype
        logits = F.linear(gist.to(dtype), table.to(dtype))
        log_probability = torch.log_softmax(logits.to(torch.promote_types(dtype, torch.float32)), -1)
        counts = word_counts(target, source.row, sources=len(gist), words=len(table)).to(log_probability.dtype)
        loss = foretelling(log_probability, counts, self.smoothing)
        minimised = self.gist * loss.smoothed
        if self.contrast:
            minimised = minimised + self.contrast * telling_apart(log_probability, counts)
        return minimised, loss

    def _cross_entropy(self, states: Float[Tensor, "b t columns"], target: Padded) -> Loss:
        """Of the real target tokens, given a state for each."""
        real, table = target.keep, cast(Trainable, self.model).projection()
        dtype = self.autocast or table.dtype
        return projected_cross_entropy(states[real], table, target.values[real], self.smoothing, dtype)

    def _states(
        self, source: Padded | Shared | Sources, target: Tensor, edges: Edges
    ) -> tuple[Tensor, Tensor | None, Tensor]:
        """The model's states, its gist if wanted, and the summed loss of its alignment: zero if nothing guides it."""
        none = torch.zeros((), device=target.device)
        with torch.autocast(target.device.type, self.autocast, enabled=self.autocast is not None):
            if self.guidance:
                states, likelihood = cast(Guidable, self.model).aligned_states(source, target, edges)
                return states, None, -likelihood
            if self.gist:
                states, gist = cast(Gisted, self.model).states_and_gist(cast(Shared, source), target)
                return states, gist, none
            return cast(Trainable, self.model).states(source, target), None, none
