"""What rows of attention read, keys of their own choice or all, and what they get from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from weft.attention.protocol import KeyValues
from weft.attention.rows import Rows, softmax
from weft.base.shapes import Bool, Float, Int, Tensor


@dataclass(frozen=True)
class Reading:
    """Keys `[n m]` that these rows read (-1: none), their scores, and the share of weight on all others, or a bound."""

    rows: Int[Tensor, " n"]
    keys: Int[Tensor, "n m"]
    scores: Float[Tensor, "n m"]
    left_out: Float[Tensor, " n"]

    def select(self, which: Bool[Tensor, " n"]) -> Reading:
        return Reading(self.rows[which], self.keys[which], self.scores[which], self.left_out[which])


@dataclass(frozen=True)
class Chosen:
    """What rows read: some of them every key (their numbers), the others keys of their choice."""

    dense: Int[Tensor, " n"]
    readings: tuple[Reading, ...] = ()

    @staticmethod
    def of(several: Sequence[Chosen], device: torch.device) -> Chosen:
        """What all of them say, each of rows of its own."""
        dense = [one.dense for one in several] or [torch.arange(0, device=device)]
        return Chosen(torch.cat(dense), tuple(reading for one in several for reading in one.readings))

    @property
    def left_out(self) -> float:
        """The largest share of weight that a row did not read."""
        return max((float(one.left_out.max()) for one in self.readings if len(one.rows)), default=0.0)

    def num_keys(self, num_all: int) -> int:
        """How many keys all rows read, of `num_all` that each might."""
        return len(self.dense) * num_all + sum(one.keys.numel() for one in self.readings)

    def context(self, rows: Rows, memory: KeyValues, scale: float) -> Float[Tensor, "n e"]:
        """The mean of the values read, weighted by the softmax of their scores."""
        context = rows.q.new_zeros(len(rows), memory.v.shape[3])
        for one in self.readings:
            found = rows.select(one.rows).context(memory, one.keys, one.scores)
            context = context.index_copy(0, one.rows, found)
        for same, weights, values in rows.over_all(self.dense, memory, scale):
            context = context.index_copy(0, same, weights @ values)
        return context

    def weights(self, rows: Rows, memory: KeyValues, scale: float) -> Float[Tensor, "n s"]:
        """The softmax over the keys read; all others have weight 0."""
        s = memory.k.shape[2]
        weights = rows.q.new_zeros(len(rows), s + 1)  # the last column is where keys of number -1 go
        for one in self.readings:
            spread = weights.new_zeros(len(one.rows), s + 1).scatter(1, one.keys % (s + 1), softmax(one.scores))
            weights = weights.index_copy(0, one.rows, spread)
        for same, found, _ in rows.over_all(self.dense, memory, scale):
            weights = weights.index_copy(0, same, F.pad(found, (0, 1)))
        return weights[:, :s]
