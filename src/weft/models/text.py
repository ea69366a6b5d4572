"""The text ends: token ids in, scores over the vocabulary out."""

from __future__ import annotations

from torch import nn

from weft.base.shapes import Float, Int, Tensor
from weft.layers.dropout import Dropout


class TextIn(nn.Module):
    """Token ids `[b t]` to vectors `[b t d]`: embedding times sqrt(d), plus position, then dropout."""

    def __init__(self, table: nn.Embedding, position: nn.Module, dropout: float) -> None:
        super().__init__()
        self.table, self.position, self.dropout = table, position, Dropout(dropout)
        self.scale = table.embedding_dim**0.5

    def forward(self, ids: Int[Tensor, "b t"], positions: Int[Tensor, "*#b #t"]) -> Float[Tensor, "b t d"]:
        x = self.table(ids) * self.scale
        return self.dropout(x + self.position(positions).to(x.dtype))


class TextOut(nn.Module):
    """Vectors `[b t d]` to logits `[b t w]`, with the embedding table as projection where it is tied."""

    def __init__(self, projection: nn.Linear) -> None:
        super().__init__()
        self.projection = projection

    def forward(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t w"]:
        return self.projection(x)
