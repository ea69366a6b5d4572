"""The encoder-decoder Transformer: one memory, read by every decoder layer through cross-attention."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from weft.attention.record import Record
from weft.base.edges import Edges
from weft.base.errors import UnsupportedError
from weft.base.padded import Padded, Shared
from weft.base.shapes import Float, Int, Tensor
from weft.models.decoder import Decoder, DecoderCache, Encoded
from weft.models.encoder import Encoder
from weft.models.text import TextOut


@dataclass(frozen=True)
class Site:
    """A head of an attention site, as records name it."""

    name: str
    head: int


class EncoderDecoder(nn.Module):
    """A Transformer (Vaswani et al. 2017) that speaks encode / init_cache / step, and forward for training."""

    def __init__(
        self,
        encoder: Encoder,
        decoder: Decoder,
        out: TextOut,
        vocabulary_size: int,
        *,
        bridge: nn.Module,
        guided: Site | None = None,
    ) -> None:
        """`bridge` stands between encoder states and cross-attention; `guided` is what `aligned_states` guides."""
        super().__init__()
        self.bridge = bridge
        self.encoder, self.decoder, self.out, self.vocabulary_size = encoder, decoder, out, vocabulary_size
        self.guided = guided

    def forward(
        self, source: Padded | Shared, target: Int[Tensor, "b t"], record: Record | None = None
    ) -> Float[Tensor, "b t w"]:
        """Logits of the token after each target position, given everything before it."""
        return self.out(self.decoder(target, self.encode(source, record), record))

    def states(
        self, source: Padded | Shared, target: Int[Tensor, "b t"], record: Record | None = None
    ) -> Float[Tensor, "b t columns"]:
        """What `projection` makes logits of; training projects real positions alone."""
        return self.out.columns(self.decoder(target, self.encode(source, record), record))

    def aligned_states(
        self, source: Padded | Shared, target: Int[Tensor, "b t"], edges: Edges
    ) -> tuple[Float[Tensor, "b t columns"], Float[Tensor, ""]]:
        """The states, and the weighted sum of the log weights that the guided head gives the edges.

        The head is read where a token is the decoder's input, one step after it was written: there the model knows
        the word whose source it is asked for (Chen et al. 2020, https://arxiv.org/abs/2004.14837).
        """
        if self.guided is None:
            raise UnsupportedError("this model has no alignment head to guide; set alignment_head in its configuration")
        record = Record([self.guided.name])
        states = self.states(source, target, record)
        places = torch.stack([edges.row, edges.target + 1, edges.source], 1)
        with torch.autocast(target.device.type, enabled=False):  # log-probabilities want full precision
            read = record.at(self.guided.name)[0]
            log_weights = read.log_weights_at(places, head=self.guided.head)
            if not read.backend.exact:  # a key that was not read has no weight of its own, and is to learn to have one
                softmax = read.log_weights_of_scores_at(places, head=self.guided.head)
                log_weights = torch.where(log_weights > -torch.inf, log_weights, softmax)
        return states, (edges.weight * log_weights).sum()

    def states_and_gist(
        self, source: Padded | Shared, target: Int[Tensor, "b t"]
    ) -> tuple[Float[Tensor, "b t columns"], Float[Tensor, "p columns"]]:
        """The states, and the mean of the real positions of each of p sources; `projection` makes logits of both.

        Rows that share a source share its mean: row r has that of `source.row[r]`.
        """
        read = self._read(source.distinct)
        encoded = source.read_by(lambda _: self.decoder.prepare(read))
        return self.out.columns(self.decoder(target, encoded)), self._columns_of_mean(read)

    def gist(self, source: Padded | Shared) -> Float[Tensor, "p columns"]:
        """That mean alone: no decoder is run."""
        return self._columns_of_mean(self._read(source.distinct))

    def projection(self) -> Float[Tensor, "w columns"]:
        """The table that makes logits of `states`."""
        return self.out.table()

    def encode(self, source: Padded | Shared, record: Record | None = None) -> Encoded:
        """Sources that several rows share are read, and their keys and values projected, once."""
        return source.read_by(lambda shared: self.decoder.prepare(self._read(shared, record)))

    def _read(self, source: Padded, record: Record | None = None) -> Padded:
        states = self.encoder(source, record)
        return states.with_values(self.bridge(states.values))

    def _columns_of_mean(self, states: Padded) -> Float[Tensor, "p columns"]:
        return self.out.columns(mean(states).values)[:, 0]

    def init_cache(self, memory: Encoded, *, beam: int, capacity: int) -> DecoderCache:
        return self.decoder.init_cache(self.decoder.indexed(memory), beam=beam, capacity=capacity, out=self.out)

    def step(
        self, tokens: Int[Tensor, "b n"], cache: DecoderCache, record: Record | None = None
    ) -> tuple[Float[Tensor, "b n w"], DecoderCache]:
        return self.decoder.step(tokens, cache, record)


def mean(states: Padded) -> Padded:
    """The mean of the real positions of each row, as one position; zeros, and not real, where there are none."""
    total = states.values.masked_fill(~states.keep[..., None], 0.0).sum(1, keepdim=True)
    return Padded(total / states.lengths.clamp(min=1)[:, None, None], states.keep.any(1, keepdim=True))
