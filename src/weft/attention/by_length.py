"""Dense attention to short sources, pages for long ones."""

from __future__ import annotations

from collections.abc import Sequence

from weft.attention.fused import Fused
from weft.attention.masks import Mask
from weft.attention.pages import Pages
from weft.attention.protocol import KeyValues
from weft.base.shapes import Tensor

CROSSOVER = 16384
"""Keys from which on pages beat the fused kernel on a CPU by enough to risk a fallback: benchmarks/long_sources.py."""


class ByLength:
    """`pages` where a source has at least `crossover` keys, else the fused kernel; asked for what `Pages` supports."""

    supports = Pages.supports
    exact, indexes = False, True

    def __init__(self, pages: Pages, *, crossover: int = CROSSOVER) -> None:
        self.pages, self.dense, self.scale, self.crossover = pages, Fused(pages.scale), pages.scale, crossover

    def prepare(self, k: Tensor, v: Tensor, *, mask: Mask | None = None, bias: Tensor | None = None) -> KeyValues:
        return self._of(k).prepare(k, v, mask=mask, bias=bias)

    def attend(self, q: Tensor, memory: KeyValues, *, start: int = 0, dropout: float = 0.0) -> Tensor:
        return self._of(memory.k).attend(q, memory, start=start, dropout=dropout)

    def weights(
        self,
        q: Tensor,
        memory: KeyValues,
        *,
        start: int = 0,
        heads: Sequence[int] | None = None,
        rows: Sequence[int] | None = None,
    ) -> Tensor:
        return self._of(memory.k).weights(q, memory, start=start, heads=heads, rows=rows)

    def _of(self, k: Tensor) -> Fused | Pages:
        return self.pages if k.shape[2] >= self.crossover else self.dense
