"""What a record reads where weights are not the softmax over every key: the back end's own, a few rows at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from weft.attention.protocol import Backend, KeyValues
from weft.attention.statistics import check_segments
from weft.attention.top import TopWeights, check_num
from weft.base.shapes import Float, Int, Tensor

_MANY_WEIGHTS = 1 << 20  # 4 MB in float32, and at least one row of every head that is asked for


@dataclass(frozen=True)
class OwnWeights:
    """Statistics of the weights of a call by which `attend` read, approximate as they are; at least float32.

    A back end that leaves keys out gives them weight 0; one that sums keys up gives each its share of the sum. There is
    no kernel for these weights, so rows of them are formed, |rows| x s at a time. Differentiable as the back end's
    `weights` are, coverage excepted. A dead row has entropy 0, position 0 and mass 0.
    """

    backend: Backend
    query: Float[Tensor, "b h t k"]
    memory: KeyValues
    start: int

    def top(self, num: int, heads: Sequence[int] | None, rows: Sequence[int] | None) -> TopWeights:
        """The `num` largest weights of each row; keys of weight 0 are none, and have index -1."""
        check_num(num)
        parts = []
        for _, weights_bhrs in self._stretches(heads, rows):
            value, index = weights_bhrs.topk(min(num, weights_bhrs.shape[-1]), -1)
            value, index = (F.pad(x, (0, num - x.shape[-1])) for x in (value, index))
            rest = (weights_bhrs.sum(-1) - value.sum(-1)).clamp_min(0.0)
            parts.append((value, index.masked_fill(value == 0, -1), rest))
        value, index, rest = (torch.cat(part, 2) for part in zip(*parts, strict=True))
        return TopWeights(value, index, rest)

    def entropy(self, heads: Sequence[int] | None) -> Float[Tensor, "b h t"]:
        """Nats; a weight of 0 adds nothing and has no gradient."""

        def of(weights: Tensor) -> Tensor:
            return -(weights * weights.masked_fill(weights == 0, 1.0).log()).sum(-1)

        return torch.cat([of(weights) for _, weights in self._stretches(heads, None)], 2)

    def expected_position(self, heads: Sequence[int] | None) -> Float[Tensor, "b h t"]:
        """Keys are counted from 0."""
        return torch.cat([w @ torch.arange(w.shape[-1]).to(w) for _, w in self._stretches(heads, None)], 2)

    def segment_mass(
        self, segments: Int[Tensor, "#b s"], num_segments: int, heads: Sequence[int] | None
    ) -> Float[Tensor, "b h t n"]:
        """A key of segment -1 belongs to none."""
        check_segments(segments, self.memory, num_segments)
        masses = []
        for _, weights_bhrs in self._stretches(heads, None):
            where = (segments % (num_segments + 1))[:, None, None].expand_as(weights_bhrs)  # -1: the last column
            empty = weights_bhrs.new_zeros(*weights_bhrs.shape[:3], num_segments + 1)
            masses.append(empty.scatter_add(3, where, weights_bhrs)[..., :num_segments])
        return torch.cat(masses, 2)

    @torch.no_grad()
    def coverage(self, heads: Sequence[int] | None, share: Float[Tensor, "#b #h #t"] | None) -> Float[Tensor, "b h s"]:
        """Summed over queries, each times its share."""
        b, h, t, _ = self.query.shape
        shares_bht = self.query.new_ones(1, 1, 1) if share is None else share
        shares_bht = shares_bht.expand(b, h if heads is None else len(heads), t)
        return torch.stack(
            [
                torch.einsum("bhrs,bhr->bhs", w, shares_bht[:, :, first : first + w.shape[2]].to(w.dtype))
                for first, w in self._stretches(heads, None)
            ]
        ).sum(0)

    def log_weights_at(self, edges: Int[Tensor, "n 3"], head: int) -> Float[Tensor, " n"]:
        """Log weights of one head at edges (row of the batch, query, key); -inf, without gradient, where one is 0.

        Edges to NULL (key -1) are none of keys, and -inf as well.
        """
        row, query, key = edges.unbind(-1)
        asked, place = torch.unique(query, return_inverse=True)
        found = torch.full(row.shape, -torch.inf, dtype=torch.promote_types(self.query.dtype, torch.float32))
        found = found.to(row.device)
        for first, weights_b1rs in self._stretches([head], asked.tolist()):
            here = (place >= first) & (place < first + weights_b1rs.shape[2]) & (key >= 0)
            weights = weights_b1rs[row[here], 0, place[here] - first, key[here]]
            logs = weights.masked_fill(weights == 0, 1.0).log().masked_fill(weights == 0, -torch.inf)
            found = found.index_put((here.nonzero()[:, 0],), logs)
        return found

    def _stretches(
        self, heads: Sequence[int] | None, rows: Sequence[int] | None
    ) -> Iterator[tuple[int, Float[Tensor, "b h r s"]]]:
        """Weights of a few of the rows at a time, with the number of the first among those asked for."""
        b, h, t, _ = self.query.shape
        every = list(range(t) if rows is None else rows)
        width = b * (h if heads is None else len(heads)) * self.memory.k.shape[2]
        at_once = max(1, _MANY_WEIGHTS // max(1, width))
        for first in range(0, max(1, len(every)), at_once):
            some = every[first : first + at_once]
            yield first, self.backend.weights(self.query, self.memory, start=self.start, heads=heads, rows=some)
