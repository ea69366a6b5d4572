"""The encoder-decoder Transformer: one memory, read by every decoder layer through cross-attention."""

from __future__ import annotations

from torch import nn

from weft.attention.record import Record
from weft.base.padded import Padded
from weft.base.shapes import Float, Int, Tensor
from weft.models.decoder import Decoder, DecoderCache, Encoded
from weft.models.encoder import Encoder
from weft.models.text import TextOut


class EncoderDecoder(nn.Module):
    """A Transformer (Vaswani et al. 2017) that speaks encode / init_cache / step, and forward for training."""

    def __init__(self, encoder: Encoder, decoder: Decoder, out: TextOut, vocabulary_size: int) -> None:
        super().__init__()
        self.encoder, self.decoder, self.out, self.vocabulary_size = encoder, decoder, out, vocabulary_size

    def forward(
        self, source: Padded, target: Int[Tensor, "b t"], record: Record | None = None
    ) -> Float[Tensor, "b t w"]:
        """Logits of the token after each target position, given everything before it."""
        return self.out(self.states(source, target, record))

    def states(
        self, source: Padded, target: Int[Tensor, "b t"], record: Record | None = None
    ) -> Float[Tensor, "b t d"]:
        """What `forward` projects; training projects real positions alone."""
        return self.decoder(target, self.encode(source, record), record)

    def projection(self) -> Float[Tensor, "w d"]:
        """The table of the output projection."""
        return self.out.projection.weight

    def encode(self, source: Padded, record: Record | None = None) -> Encoded:
        return self.decoder.prepare(self.encoder(source, record))

    def init_cache(self, memory: Encoded, *, beam: int, capacity: int) -> DecoderCache:
        return self.decoder.init_cache(memory, beam=beam, capacity=capacity)

    def step(
        self, tokens: Int[Tensor, "b n"], cache: DecoderCache, record: Record | None = None
    ) -> tuple[Float[Tensor, "b n w"], DecoderCache]:
        x, cache = self.decoder.step(tokens, cache, record)
        return self.out(x), cache
