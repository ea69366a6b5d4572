"""The recurrent baseline: a whole source squeezed into one vector, whatever its length.

The encoder is a bidirectional GRU whose two final states are folded into one vector; the decoder is a GRU that starts
from that vector and sees it again at every step (Cho et al. 2014, section 2.2; Sutskever et al. 2014 only start from
it). All that the decoder ever learns of the source passes through it: the bottleneck that attention was invented to
open (Bahdanau et al. 2015, section 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from weft.attention.record import Record
from weft.base.errors import ShapeError
from weft.base.padded import Padded
from weft.base.shapes import Float, Int, Tensor
from weft.models.text import TextOut


@dataclass(frozen=True)
class Summary:
    """Encoded sources: one vector each."""

    vector: Float[Tensor, "b d"]

    def select(self, rows: Int[Tensor, " m"]) -> Summary:
        return Summary(self.vector[rows])

    def parts(self) -> list[Summary]:
        """Each source as a memory of its own."""
        return [Summary(row[None].clone()) for row in self.vector]

    def to(self, device: torch.device, dtype: torch.dtype) -> Summary:
        """The same memory for a model on this device, in this type of numbers."""
        return Summary(self.vector.to(device, dtype))

    @staticmethod
    def joined(parts: Sequence[Summary]) -> Summary:
        """One memory of several: the inverse of `parts`."""
        return Summary(torch.cat([part.vector for part in parts]))


@dataclass(frozen=True)
class RecurrentCache:
    """What stepping needs: the summary of each source and the GRU state of each hypothesis, of `layers` vectors."""

    summary: Summary
    state: Float[Tensor, "b n layers d"]

    def reorder(self, parents: Int[Tensor, "b n"]) -> RecurrentCache:
        rows_b1 = torch.arange(len(parents), device=parents.device)[:, None]
        return replace(self, state=self.state[rows_b1, parents])

    def select(self, rows: Int[Tensor, " m"]) -> RecurrentCache:
        return RecurrentCache(self.summary.select(rows), self.state[rows])


class RecurrentEncoder(nn.Module):
    """Source ids `[b s]` to one vector `[b d]` a source, from the final states of both directions of the last layer."""

    def __init__(self, embed: nn.Module, gru: nn.GRU) -> None:
        super().__init__()
        self.embed, self.gru = embed, gru
        self.fold = nn.Linear(2 * gru.hidden_size, gru.hidden_size)

    def forward(self, source: Padded) -> Summary:
        """Raises ShapeError where a source has no token at all."""
        empty = (source.lengths == 0).nonzero()
        if len(empty):
            raise ShapeError(
                f"every source wants at least one real token, row {int(empty[0])} has none; end each source with </s>"
            )
        source = source.left_aligned()
        x_bsd = self.embed(source.values, torch.arange(source.values.shape[1], device=source.values.device))
        packed = pack_padded_sequence(x_bsd, source.lengths.cpu(), batch_first=True, enforce_sorted=False)
        _, final_lbd = self.gru(packed)
        return Summary(torch.tanh(self.fold(torch.cat((final_lbd[-2], final_lbd[-1]), -1))))


class RecurrentDecoder(nn.Module):
    """Target ids to states: a GRU that starts from the summary and reads it again beside every token."""

    def __init__(self, embed: nn.Module, gru: nn.GRU, dropout: nn.Module, norm: nn.Module) -> None:
        super().__init__()
        self.embed, self.gru, self.dropout, self.norm = embed, gru, dropout, norm
        self.start = nn.Linear(gru.hidden_size, gru.num_layers * gru.hidden_size)

    def begin(self, summary: Summary) -> Float[Tensor, "b layers d"]:
        """The state before the first token."""
        return torch.tanh(self.start(summary.vector)).view(len(summary.vector), self.gru.num_layers, -1)

    def forward(
        self, target: Int[Tensor, "b t"], summary: Float[Tensor, "b d"], state: Float[Tensor, "b layers d"]
    ) -> tuple[Float[Tensor, "b t d"], Float[Tensor, "b layers d"]]:
        """The states after each token, and the state to go on from."""
        tokens = self.embed(target, torch.arange(target.shape[1], device=target.device))
        x_btd = torch.cat((tokens, summary[:, None].expand_as(tokens)), -1)
        x_btd, state_lbd = self.gru(x_btd, state.transpose(0, 1).contiguous())
        return self.norm(self.dropout(x_btd)), state_lbd.transpose(0, 1)


class Recurrent(nn.Module):
    """A GRU encoder-decoder with one fixed vector; speaks encode / init_cache / step, and forward for training.

    `record` is taken and left alone: nothing attends, so there is nothing to see.
    """

    def __init__(
        self, encoder: RecurrentEncoder, decoder: RecurrentDecoder, out: TextOut, vocabulary_size: int
    ) -> None:
        super().__init__()
        self.encoder, self.decoder, self.out, self.vocabulary_size = encoder, decoder, out, vocabulary_size

    def forward(
        self, source: Padded, target: Int[Tensor, "b t"], record: Record | None = None
    ) -> Float[Tensor, "b t w"]:
        """Logits of the token after each target position, given everything before it."""
        return self.out(self._of_target(source, target))

    def states(self, source: Padded, target: Int[Tensor, "b t"]) -> Float[Tensor, "b t columns"]:
        """What `projection` makes logits of; training projects real positions alone."""
        return self.out.columns(self._of_target(source, target))

    def _of_target(self, source: Padded, target: Tensor) -> Float[Tensor, "b t d"]:
        summary = self.encode(source)
        states, _ = self.decoder(target, summary.vector, self.decoder.begin(summary))
        return states

    def projection(self) -> Float[Tensor, "w columns"]:
        """The table that makes logits of `states`."""
        return self.out.table()

    def encode(self, source: Padded, record: Record | None = None) -> Summary:
        return self.encoder(source)

    def init_cache(self, memory: Summary, *, beam: int, capacity: int) -> RecurrentCache:
        """A state has one size however many steps follow, so `capacity` is no limit here."""
        return RecurrentCache(memory, self.decoder.begin(memory)[:, None].expand(-1, beam, -1, -1))

    def step(
        self, tokens: Int[Tensor, "b n"], cache: RecurrentCache, record: Record | None = None
    ) -> tuple[Float[Tensor, "b n w"], RecurrentCache]:
        """Hypotheses join the batch: a state has no time axis that they could take the place of."""
        b, n = tokens.shape
        summary_bnd = cache.summary.vector[:, None].expand(-1, n, -1)
        x, state = self.decoder(tokens.reshape(b * n, 1), summary_bnd.flatten(0, 1), cache.state.flatten(0, 1))
        return self.out(x.view(b, n, -1)), replace(cache, state=state.unflatten(0, (b, n)))
