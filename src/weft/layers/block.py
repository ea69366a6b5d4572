"""Sub-layers with their residual path, and the two layers made of them. Norm placement is data, not a branch."""

from __future__ import annotations

from torch import nn

from weft.attention.protocol import KeyValues
from weft.attention.record import Record
from weft.base.shapes import Float, Int, Tensor
from weft.layers.attention import Past, SelfAttention
from weft.layers.bound import Bindable, Function, bound
from weft.layers.fusion import Memories
from weft.layers.residual import Residual, Skip


class EncoderLayer(Bindable):
    """Self-attention, then feed-forward."""

    def __init__(self, attention: SelfAttention, feedforward: nn.Module, skips: tuple[Skip, Skip]) -> None:
        super().__init__()
        self.attention = Residual(attention, skips[0])
        self.feedforward = Residual(feedforward, skips[1])

    def bind(self) -> Function:
        attention, feedforward = bound(self.attention), bound(self.feedforward)
        return lambda x, past, positions, record=None: feedforward(attention(x, past, positions, record))

    def forward(
        self, x: Float[Tensor, "b s d"], past: Past, positions: Int[Tensor, "*#b #s"], record: Record | None = None
    ) -> Float[Tensor, "b s d"]:
        return self.bind()(x, past, positions, record)


class DecoderLayer(Bindable):
    """Masked self-attention, then cross-attention, then feed-forward."""

    def __init__(
        self,
        attention: SelfAttention,
        cross_attention: nn.Module,
        feedforward: nn.Module,
        skips: tuple[Skip, Skip],
    ) -> None:
        """`cross_attention` has its residual path already: there may be several of them, or one source after another.

        `skips` are those around self-attention and feed-forward.
        """
        super().__init__()
        self.attention = Residual(attention, skips[0])
        self.cross_attention = cross_attention
        self.feedforward = Residual(feedforward, skips[1])

    def bind(self) -> Function:
        attention, cross_attention, feedforward = map(bound, (self.attention, self.cross_attention, self.feedforward))

        def layer(
            x: Tensor, past: Past, memory: KeyValues | Memories, positions: Tensor, record: Record | None = None
        ) -> Tensor:
            x = attention(x, past, positions, record)
            x = cross_attention(x, memory, record)
            return feedforward(x)

        return layer

    def forward(
        self,
        x: Float[Tensor, "b t d"],
        past: Past,
        memory: KeyValues | Memories,
        positions: Int[Tensor, "*#b #t"],
        record: Record | None = None,
    ) -> Float[Tensor, "b t d"]:
        return self.bind()(x, past, memory, positions, record)
