"""A window of the source that moves with the alignment, for tasks that go through their source in order."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from weft.attention.blocks import log_sum, scores_of
from weft.attention.fused import Fused
from weft.attention.masks import Full, Mask
from weft.attention.merging import mass
from weft.attention.protocol import Feature, KeyValues, check_queries, require
from weft.attention.reading import Chosen, Reading
from weft.attention.rows import Rows, queries_of
from weft.attention.tally import Tally
from weft.attention.unpadded import real_lengths, unpadded
from weft.base.errors import ConfigError
from weft.base.shapes import Float, Int, Tensor

_MANY_SCORES = 1 << 22  # 16 MB at once


class Moving:
    """Attention to the `width` keys before and after the one that `head` looks at most.

    That one head scores every key, so that the centre is that of the very step, whatever beam it belongs to, and so
    that its weight in the window is known: a query of which the window would hold less than `keep` reads every key with
    all of its heads. Of the other heads nothing is known; the error is small where all heads look near the same place.
    """

    supports = frozenset({Feature.GROUPS, Feature.VALUE_WIDTH, Feature.ARBITRARY_MASK})
    exact, indexes = False, False

    def __init__(
        self,
        scale: float | None = None,
        *,
        width: int = 256,
        head: int = 0,
        keep: float = 0.9,
        tally: Tally | None = None,
    ) -> None:
        if width < 0 or head < 0 or not 0 <= keep <= 1:
            raise ConfigError(
                f"width and head must be at least 0, and keep a share from 0 to 1, got {width}, {head} and {keep}"
            )
        self.scale, self.width, self.head, self.keep, self.tally = scale, width, head, keep, tally or Tally()

    def prepare(self, k: Tensor, v: Tensor, *, mask: Mask | None = None, bias: Tensor | None = None) -> KeyValues:
        require(self.supports, {Feature.BIAS: bias is not None}, "window")
        return unpadded(k, v, mask or Full(), None)

    def attend(self, q: Tensor, memory: KeyValues, *, start: int = 0, dropout: float = 0.0) -> Tensor:
        require(self.supports, {Feature.BIAS: memory.bias is not None, Feature.DROPOUT: dropout > 0}, "window")
        check_queries(q, memory)
        asked, chosen = self._chosen(q, memory, start)
        self.tally.add(
            rows=len(asked),
            keys=chosen.num_keys(memory.k.shape[2]),
            dense_rows=len(chosen.dense) if max(real_lengths(memory).tolist(), default=0) > 2 * self.width + 1 else 0,
            left_out=chosen.left_out,
        )
        if len(chosen.dense) == len(asked):
            return Fused(self.scale).attend(q, memory, start=start)
        return torch.unflatten(chosen.context(asked, memory, self._scale(q)), 0, q.shape[:3]).to(q.dtype)

    def weights(
        self,
        q: Tensor,
        memory: KeyValues,
        *,
        start: int = 0,
        heads: Sequence[int] | None = None,
        rows: Sequence[int] | None = None,
    ) -> Tensor:
        """The softmax over the keys of the window; all others have weight 0."""
        check_queries(q, memory)
        asked, chosen = self._chosen(q, memory, start, heads, rows)
        weights_ns = chosen.weights(asked, memory, self._scale(q))
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
        b, h, t, _ = queries_of(q, heads, rows).shape
        s = memory.k.shape[2]
        short_b = real_lengths(memory) <= 2 * self.width + 1
        if bool(short_b.all()) or not len(asked):
            return asked, Chosen(torch.arange(len(asked), device=q.device))
        centre_bt, share_bt = self._centres(q.detach(), memory, start, rows)
        around = torch.arange(-self.width, self.width + 1, device=q.device)
        keys_btm = centre_bt[..., None] + around
        keys_btm = keys_btm.masked_fill((keys_btm < 0) | (keys_btm >= s), -1)
        keys = keys_btm[:, None].expand(b, h, -1, -1).flatten(0, 2)
        scores = asked.scores(memory, keys, self._scale(q))
        inside = ((share_bt >= self.keep) & ~short_b[:, None])[:, None].expand(b, h, t).flatten()
        inside = inside & (scores > -torch.inf).any(-1)  # where heads have masks of their own, one may see nothing here
        left_out = (1 - share_bt)[:, None].expand(b, h, t).flatten().clamp_min(0.0)
        numbers = torch.arange(len(asked), device=q.device)
        return asked, Chosen(numbers[~inside], (Reading(numbers, keys, scores, left_out).select(inside),))

    @torch.no_grad()
    def _centres(
        self, q: Tensor, memory: KeyValues, start: int, rows: Sequence[int] | None
    ) -> tuple[Int[Tensor, "b t"], Float[Tensor, "b t"]]:
        """Where `head` of each chosen row looks, and the share of its weight in the window around it."""
        if self.head >= q.shape[1]:
            raise ConfigError(f"window wants one of {q.shape[1]} heads, got {self.head}; heads are counted from 0")
        every = list(range(q.shape[2]) if rows is None else rows)
        s, positions = memory.k.shape[2], torch.arange(memory.k.shape[2], device=q.device)
        at_once = max(1, _MANY_SCORES // max(1, q.shape[0] * s))
        centres, shares = [], []
        for first in range(0, len(every), at_once):
            some = every[first : first + at_once]
            scores_bts = scores_of(q, memory, slice(None), scale=self.scale, start=start, heads=[self.head], rows=some)[
                :, 0
            ]
            centre_bt = scores_bts.argmax(-1)
            outside = (positions - centre_bt[..., None]).abs() > self.width
            centres.append(centre_bt)
            shares.append(mass(log_sum(scores_bts.masked_fill(outside, -torch.inf)), log_sum(scores_bts)))
        return torch.cat(centres, 1), torch.cat(shares, 1)

    def _scale(self, q: Tensor) -> float:
        return float(q.shape[-1] ** -0.5 if self.scale is None else self.scale)
