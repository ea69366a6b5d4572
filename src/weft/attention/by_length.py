"""Dense attention to short sources, pages for long ones."""

from __future__ import annotations

from collections.abc import Sequence

from weft.attention.fused import Fused
from weft.attention.masks import Full, Mask
from weft.attention.pages import Pages
from weft.attention.protocol import Feature, KeyValues, require
from weft.attention.unpadded import real_lengths
from weft.base.shapes import Tensor

CROSSOVER = 16384
"""Keys from which on pages win more on concentrated attention than they lose where they fall back, on a CPU: a step of
0.55 against one of 1.28 times the fused kernel's; at 8,192 keys, 0.64 against 1.59 (benchmarks/long_sources.py)."""


class ByLength:
    """`pages` where the longest source of a batch has at least `crossover` keys, else the fused kernel.

    `prepare` decides, so that rows taken from a batch are read on as they were. Supports what `Pages` does.
    """

    supports = Pages.supports
    exact, indexes = False, True

    def __init__(self, pages: Pages, *, crossover: int = CROSSOVER) -> None:
        self.pages, self.dense, self.scale, self.crossover = pages, Fused(pages.scale), pages.scale, crossover

    def prepare(self, k: Tensor, v: Tensor, *, mask: Mask | None = None, bias: Tensor | None = None) -> KeyValues:
        require(self.supports, {Feature.BIAS: bias is not None}, "auto")
        longest = max(real_lengths(KeyValues(k, v, mask or Full())).tolist(), default=0)
        return (self.dense if longest < self.crossover else self.pages).prepare(k, v, mask=mask)

    def attend(self, q: Tensor, memory: KeyValues, *, start: int = 0, dropout: float = 0.0) -> Tensor:
        return self._of(memory).attend(q, memory, start=start, dropout=dropout)

    def weights(
        self,
        q: Tensor,
        memory: KeyValues,
        *,
        start: int = 0,
        heads: Sequence[int] | None = None,
        rows: Sequence[int] | None = None,
    ) -> Tensor:
        return self._of(memory).weights(q, memory, start=start, heads=heads, rows=rows)

    def _of(self, memory: KeyValues) -> Fused | Pages:
        return self.dense if memory.index is None else self.pages
