"""The text ends: token ids in, scores over the vocabulary out."""

from __future__ import annotations

import torch
from torch import nn

from weft.base.padded import Padded
from weft.base.shapes import Float, Int, Tensor
from weft.layers.bound import Bindable, Function, bound
from weft.layers.dropout import Dropout
from weft.layers.packed import packed


class TextIn(Bindable):
    """Token ids `[b t]` to vectors `[b t d]`: embedding times `scale`, plus position, then norm and dropout."""

    table: nn.Module

    def __init__(
        self, table: nn.Embedding, position: nn.Module, dropout: float, *, scale: float, norm: nn.Module
    ) -> None:
        super().__init__()
        self.table, self.position, self.norm, self.dropout = table, position, norm, Dropout(dropout)
        self.scale = scale

    def bind(self) -> Function:
        table, position, norm, dropout = map(bound, (self.table, self.position, self.norm, self.dropout))
        scale = self.scale

        def read(ids: Tensor, positions: Tensor) -> Tensor:
            x = table(ids) * scale
            return dropout(norm(x + position(positions).to(x.dtype)))

        return read

    def forward(self, ids: Int[Tensor, "b t"], positions: Int[Tensor, "*#b #t"]) -> Float[Tensor, "b t d"]:
        return self.bind()(ids, positions)

    def read(self, source: Padded) -> Padded:
        """A whole text `[b s]` at once."""
        positions = torch.arange(source.values.shape[1], device=source.values.device)
        return source.with_values(self(source.values, positions))


class TextOut(nn.Module):
    """Vectors `[b t d]` to logits `[b t w]`, with the embedding table as projection where it is tied.

    `columns @ table.T` are the logits too: for a loss that never forms all of them at once.
    """

    def __init__(self, projection: nn.Linear, *, scale: float = 1.0) -> None:
        super().__init__()
        self.projection, self.scale = projection, scale

    def bind_for(self, *, rows: int) -> Function:
        """`forward` as a function that will be given so many vectors at a time."""
        product, scale = packed(self.projection, rows=rows), self.scale
        return product if scale == 1.0 else lambda x: product(x * scale)

    def forward(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t w"]:
        return self.projection(self._scaled(x))

    def columns(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t columns"]:
        """What `table` projects: the vectors, and where the projection has a bias, a 1 behind each."""
        x = self._scaled(x)
        return x if self.projection.bias is None else torch.cat((x, torch.ones_like(x[..., :1])), -1)

    def table(self) -> Float[Tensor, "w columns"]:
        """The weights of the projection, and its bias as one more column where there is one."""
        weight, bias = self.projection.weight, self.projection.bias
        return weight if bias is None else torch.cat((weight, bias[:, None]), 1)

    def _scaled(self, x: Tensor) -> Tensor:
        return x if self.scale == 1.0 else x * self.scale
