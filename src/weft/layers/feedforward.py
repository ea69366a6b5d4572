"""What a layer does with each position on its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from weft.base.shapes import Float, Tensor
from weft.layers.bound import Bindable, Function, bound
from weft.layers.dropout import Dropout

Activation = Callable[[Tensor], Tensor]


class FeedForward(Bindable):
    """Two projections with an activation between them (Vaswani et al. 2017, section 3.3): `[b t d]` to `[b t d]`."""

    def __init__(
        self, width: int, inner_width: int, *, activation: Activation, dropout: float, bias: bool = True
    ) -> None:
        super().__init__()
        self.inner = nn.Linear(width, inner_width, bias=bias)
        self.outer = nn.Linear(inner_width, width, bias=bias)
        self.dropout = Dropout(dropout)
        self.activation = activation

    def bind(self) -> Function:
        inner, activation, dropout, outer = bound(self.inner), self.activation, bound(self.dropout), bound(self.outer)
        return lambda x: outer(dropout(activation(inner(x))))

    def forward(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t d"]:
        return self.bind()(x)


class GatedFeedForward(Bindable):
    """Two projections, the first doubled: one half gates the other (Shazeer 2020, "GLU variants"); never a bias."""

    def __init__(
        self, width: int, inner_width: int, *, activation: Activation, dropout: float, bias: bool = False
    ) -> None:
        super().__init__()
        self.inner = nn.Linear(width, 2 * inner_width, bias=False)
        self.outer = nn.Linear(inner_width, width, bias=False)
        self.dropout = Dropout(dropout)
        self.activation = activation

    def bind(self) -> Function:
        inner, activation, dropout, outer = bound(self.inner), self.activation, bound(self.dropout), bound(self.outer)

        def feed(x: Tensor) -> Tensor:
            gate, value = inner(x).chunk(2, -1)
            return outer(dropout(activation(gate) * value))

        return feed

    def forward(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t d"]:
        return self.bind()(x)


FEEDFORWARDS: dict[str, tuple[type[FeedForward] | type[GatedFeedForward], Activation]] = {
    "relu": (FeedForward, torch.relu_),  # what a projection made is nobody else's, so nothing is copied
    "gelu": (FeedForward, F.gelu),
    "gelu_tanh": (FeedForward, partial(F.gelu, approximate="tanh")),
    "silu": (FeedForward, F.silu),
    "reglu": (GatedFeedForward, F.relu),
    "geglu": (GatedFeedForward, F.gelu),
    "geglu_tanh": (GatedFeedForward, partial(F.gelu, approximate="tanh")),
    "swiglu": (GatedFeedForward, F.silu),
}
