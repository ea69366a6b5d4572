"""Attention to the keys of the largest scores alone, and how much weight that leaves out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from weft.attention.blocks import log_sum, scores_of
from weft.attention.fused import Fused
from weft.attention.masks import Full, Mask
from weft.attention.merging import mass
from weft.attention.protocol import Feature, KeyValues, check_queries, require
from weft.attention.reading import Chosen, Reading
from weft.attention.rows import Rows, queries_of
from weft.attention.tally import Tally
from weft.attention.unpadded import unpadded
from weft.base.errors import ConfigError
from weft.base.shapes import Tensor

_MANY_SCORES = 1 << 22  # 16 MB at once


class TopK:
    """Softmax over the `num` largest scores of each query and head (Bertsch et al. 2023, "Unlimiformer", section 2).

    Every key is scored, so that the choice is exact and `tally` knows exactly how much weight was left out; only the
    values of the chosen keys are read. It bounds what is read of values, not the time to score.
    """

    supports = frozenset({Feature.BIAS, Feature.GROUPS, Feature.VALUE_WIDTH, Feature.ARBITRARY_MASK})
    exact, indexes = False, False

    def __init__(self, scale: float | None = None, *, num: int = 64, tally: Tally | None = None) -> None:
        if num < 1:
            raise ConfigError(f"top-k wants at least 1 key, got {num}; 64 serves most")
        self.scale, self.num, self.tally = scale, num, tally or Tally()

    def prepare(self, k: Tensor, v: Tensor, *, mask: Mask | None = None, bias: Tensor | None = None) -> KeyValues:
        memory = unpadded(k, v, mask or Full(), bias)
        k, v = memory.both(lambda x: x.contiguous())  # else scoring would copy them at every step
        return replace(memory, k=k, v=v)

    def attend(self, q: Tensor, memory: KeyValues, *, start: int = 0, dropout: float = 0.0) -> Tensor:
        require(self.supports, {Feature.DROPOUT: dropout > 0}, "top-k")
        check_queries(q, memory)
        asked, chosen = self._chosen(q, memory, start)
        self.tally.add(rows=len(asked), keys=chosen.num_keys(memory.k.shape[2]), left_out=chosen.left_out)
        if not len(asked):
            return Fused(self.scale).attend(q, memory)
        return torch.unflatten(chosen.context(asked, memory, 1.0), 0, q.shape[:3]).to(q.dtype)

    def weights(
        self,
        q: Tensor,
        memory: KeyValues,
        *,
        start: int = 0,
        heads: Sequence[int] | None = None,
        rows: Sequence[int] | None = None,
    ) -> Tensor:
        """The softmax over the chosen keys; all others have weight 0."""
        check_queries(q, memory)
        asked, chosen = self._chosen(q, memory, start, heads, rows)
        weights_ns = chosen.weights(asked, memory, 1.0)
        return torch.unflatten(weights_ns, 0, queries_of(q, heads, rows).shape[:3])

    def _chosen(
        self,
        q: Tensor,
        memory: KeyValues,
        start: int,
        heads: Sequence[int] | None = None,
        rows: Sequence[int] | None = None,
    ) -> tuple[Rows, Chosen]:
        asked = Rows.of(q, memory, start=start, heads=heads, rows=rows)
        s = memory.k.shape[2]
        b, h, t, _ = queries_of(q, heads, rows).shape
        numbers, found = torch.arange(len(asked), device=q.device).view(b, h, t), []
        every = list(range(q.shape[2]) if rows is None else rows)
        at_once = max(1, _MANY_SCORES // max(1, b * h * s))
        for first in range(0, t, at_once):
            some = slice(first, first + at_once)
            scores_bhts = scores_of(
                q, memory, slice(None), scale=self.scale, start=start, heads=heads, rows=every[some]
            )
            best, keys = scores_bhts.flatten(0, 2).topk(min(self.num, s), -1)
            keys = keys.masked_fill(best == -torch.inf, -1)
            kept = mass(log_sum(best.detach()), log_sum(scores_bhts.detach().flatten(0, 2)))
            left_out = torch.where((keys >= 0).any(-1), (1 - kept).clamp_min(0.0), 0.0)
            found.append(Reading(numbers[:, :, some].flatten(), keys, best, left_out))
        return asked, Chosen(numbers.flatten()[:0], tuple(found))
