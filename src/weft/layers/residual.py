"""The residual path around a sub-layer. Where norms stand is data, not a branch."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from weft.base.shapes import Float, Tensor
from weft.layers.bound import Bindable, Function, bound


@dataclass(frozen=True)
class Skip:
    """The parts around a sub-layer: norm before it, dropout after it, norm after the sum; absent ones are Identity."""

    before: nn.Module
    dropout: nn.Module
    after: nn.Module


class Residual(Bindable):
    """after(x + dropout(sublayer(before(x), ...))): pre-norm has an Identity after, post-norm an Identity before."""

    def __init__(self, sublayer: nn.Module, skip: Skip) -> None:
        super().__init__()
        self.before, self.sublayer, self.dropout, self.after = skip.before, sublayer, skip.dropout, skip.after

    def bind(self) -> Function:
        before, sublayer, dropout, after = map(bound, (self.before, self.sublayer, self.dropout, self.after))
        return lambda x, *context: after(x + dropout(sublayer(before(x), *context)))

    def forward(self, x: Float[Tensor, "b t d"], *context: object) -> Float[Tensor, "b t d"]:
        return self.bind()(x, *context)
