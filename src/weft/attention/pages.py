"""The best pages of a long source, read exactly, with a proof that the rest hardly mattered; else more, else all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from weft.attention.fused import Fused
from weft.attention.masks import Full, Mask
from weft.attention.page_choice import Choosing
from weft.attention.page_index import PageIndex
from weft.attention.protocol import Feature, KeyValues, check_queries, require
from weft.attention.reading import Chosen
from weft.attention.rows import Rows, groups_of, queries_of
from weft.attention.tally import Tally
from weft.attention.unpadded import unpadded
from weft.base.errors import ConfigError
from weft.base.shapes import Tensor


class Pages:
    """Attention to the pages of keys that may matter: the softmax over the keys that are read.

    `PageIndex` bounds the weight of every page that a row has not read. Where all of them together are proved to hold
    at most `tolerance` of the row's weight, it is done: its context is off, in each number, by at most that share of
    the range of this number over all values. Else it reads as many pages as the bound asks for; where those would be
    more than `most` of all pages, it reads every key. So the tolerance holds in every call, whatever the keys; how fast
    a call is depends on how concentrated attention is. A tolerance of 0 is exact.

    Each row chooses for itself, so that steps, beams, batches and padding change nothing.
    """

    supports = frozenset({Feature.GROUPS, Feature.VALUE_WIDTH, Feature.ARBITRARY_MASK})
    exact, indexes = False, True

    def __init__(
        self,
        scale: float | None = None,
        *,
        tolerance: float = 1e-3,
        page: int = 16,
        pages: int = 32,
        most: float = 0.125,
        tally: Tally | None = None,
    ) -> None:
        """`pages` of `page` keys are read first; `tally` counts what was read."""
        if not 0 <= tolerance < 1:
            raise ConfigError(f"tolerance must be a share of the weight, from 0 to below 1, got {tolerance}; try 0.001")
        if page < 1 or pages < 1 or not 0 <= most <= 1:
            raise ConfigError(
                f"page and pages must be at least 1, and most from 0 to 1, got {page}, {pages} and {most}; leave them "
                "out for what serves most"
            )
        self.scale, self.tally = scale, tally or Tally()
        self.choosing = Choosing(page, pages, most, tolerance)

    def prepare(self, k: Tensor, v: Tensor, *, mask: Mask | None = None, bias: Tensor | None = None) -> KeyValues:
        require(self.supports, {Feature.BIAS: bias is not None}, "pages")
        memory = unpadded(k, v, mask or Full(), None)
        memory = replace(memory, k=memory.k.contiguous(), v=memory.v.contiguous())
        return replace(memory, index=PageIndex.of(memory, self.choosing.page))

    def attend(self, q: Tensor, memory: KeyValues, *, start: int = 0, dropout: float = 0.0) -> Tensor:
        require(self.supports, {Feature.BIAS: memory.bias is not None, Feature.DROPOUT: dropout > 0}, "pages")
        check_queries(q, memory)
        rows = Rows.of(q, memory, start=start)
        chosen, scale = self._chosen(rows, q, memory), self._scale(q)
        self._count(rows, chosen, memory)
        if len(chosen.dense) == len(rows):
            return Fused(self.scale).attend(q, memory, start=start)
        return torch.unflatten(chosen.context(rows, memory, scale), 0, q.shape[:3]).to(q.dtype)

    def weights(
        self,
        q: Tensor,
        memory: KeyValues,
        *,
        start: int = 0,
        heads: Sequence[int] | None = None,
        rows: Sequence[int] | None = None,
    ) -> Tensor:
        """The softmax over the keys that `attend` reads; all others have weight 0."""
        check_queries(q, memory)
        asked = Rows.of(q, memory, start=start, heads=heads, rows=rows)
        chosen = self._chosen(asked, q, memory, heads, rows)
        weights_ns = chosen.weights(asked, memory, self._scale(q))
        return torch.unflatten(weights_ns, 0, queries_of(q, heads, rows).shape[:3])

    def _chosen(
        self,
        asked: Rows,
        q: Tensor,
        memory: KeyValues,
        heads: Sequence[int] | None = None,
        rows: Sequence[int] | None = None,
    ) -> Chosen:
        """What each of the chosen rows reads."""
        index = memory.index if isinstance(memory.index, PageIndex) else PageIndex.of(memory, self.choosing.page)
        if index.centre.shape[2] <= self.choosing.first or not len(asked):
            return Chosen(torch.arange(len(asked), device=q.device))
        with torch.no_grad():
            groups = groups_of(q.shape[1], memory.k.shape[1], heads)
            bounds = index.log_bounds(queries_of(q, heads, rows).to(asked.q.dtype), groups, self._scale(q)).flatten(
                0, 2
            )
        return self.choosing.choose(asked, bounds, memory, self._scale(q))

    def _scale(self, q: Tensor) -> float:
        return float(q.shape[-1] ** -0.5 if self.scale is None else self.scale)

    def _count(self, rows: Rows, chosen: Chosen, memory: KeyValues) -> None:
        s = memory.k.shape[2]
        fell_back = len(chosen.dense) if -(-s // self.choosing.page) > self.choosing.first else 0
        self.tally.add(rows=len(rows), keys=chosen.num_keys(s), dense_rows=fell_back, left_out=chosen.left_out)
        if fell_back:
            self.tally.once(
                f"attention is too spread out to prove that less than {self.choosing.tolerance:g} of it is left out: "
                "some rows read every key; a larger tolerance would spare them"
            )
