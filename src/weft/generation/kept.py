"""The hypotheses that have ended and are worth keeping."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from weft.base.shapes import Float, Int, Tensor


@dataclass(frozen=True)
class Kept:
    """The best hypotheses that have ended, `[b k]`, best first; `score` is -inf where there is none.

    A hypothesis is the number of steps that read its tokens and the slot in which the last of them ran.
    `last_log_probs` is that of its `</s>`, which is in no slot.
    """

    score: Float[Tensor, "b k"]
    total: Float[Tensor, "b k"]
    last_log_probs: Float[Tensor, "b k"]
    slots: Int[Tensor, "b k"]
    reads: Int[Tensor, "b k"]

    @staticmethod
    def nothing(num_sources: int, size: int, like: Tensor) -> Kept:
        """Room for `size` hypotheses of each source, in the dtype and on the device of `like`."""
        empty = like.new_full((num_sources, size), float("-inf"))
        zero = torch.zeros_like(empty, dtype=torch.long)
        return Kept(empty, empty.clone(), torch.zeros_like(empty), zero, zero.clone())

    def merge(self, rows: Int[Tensor, " m"], others: Kept) -> None:
        """Take in `[m n]` other hypotheses of the given sources, in place; of equals the one that came first wins."""
        size = self.score.shape[1]
        score = torch.cat([self.score[rows], others.score], 1)
        order = score.sort(dim=1, descending=True, stable=True).indices[:, :size]
        self.score[rows] = score.gather(1, order)
        for mine, new in [
            (self.total, others.total),
            (self.last_log_probs, others.last_log_probs),
            (self.slots, others.slots),
            (self.reads, others.reads),
        ]:
            mine[rows] = torch.cat([mine[rows], new], 1).gather(1, order)

    def best(self, count: int) -> Kept:
        """The `count` best of each source, on the CPU."""
        fields = (self.score, self.total, self.last_log_probs, self.slots, self.reads)
        return Kept(*(each[:, :count].cpu() for each in fields))
