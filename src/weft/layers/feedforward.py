"""What a layer does with each position on its own."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import nn

from weft.base.shapes import Float, Tensor
from weft.layers.dropout import Dropout

Activation = Callable[[Tensor], Tensor]


class FeedForward(nn.Module):
    """Two projections with an activation between them (Vaswani et al. 2017, section 3.3): `[b t d]` to `[b t d]`."""

    def __init__(self, width: int, inner_width: int, *, activation: Activation, dropout: float) -> None:
        super().__init__()
        self.inner = nn.Linear(width, inner_width)
        self.outer = nn.Linear(inner_width, width)
        self.dropout = Dropout(dropout)
        self.activation = activation

    def forward(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t d"]:
        return self.outer(self.dropout(self.activation(self.inner(x))))


class GatedFeedForward(nn.Module):
    """Two projections, the first doubled: one half gates the other (Shazeer 2020, "GLU variants")."""

    def __init__(self, width: int, inner_width: int, *, activation: Activation, dropout: float) -> None:
        super().__init__()
        self.inner = nn.Linear(width, 2 * inner_width, bias=False)
        self.outer = nn.Linear(inner_width, width, bias=False)
        self.dropout = Dropout(dropout)
        self.activation = activation

    def forward(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t d"]:
        gate, value = self.inner(x).chunk(2, -1)
        return self.outer(self.dropout(self.activation(gate) * value))


FEEDFORWARDS: dict[str, tuple[type[FeedForward] | type[GatedFeedForward], Activation]] = {
    "relu": (FeedForward, F.relu),
    "gelu": (FeedForward, F.gelu),
    "swiglu": (GatedFeedForward, F.silu),
}
