"""A memory of slots, each the mean of some keys, read key by key only where it matters most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F

from weft.attention.masks import Full, Mask
from weft.attention.of_keys import of_keys, real_keys
from weft.attention.protocol import Feature, KeyValues, check_queries, checked, require
from weft.attention.rows import Rows, groups_of, queries_of, softmax
from weft.base.errors import ConfigError
from weft.base.shapes import Float, Int, Tensor


@dataclass(frozen=True)
class Slots:
    """Mean keys and values of stretches of a source, and how many of their positions are real; at least float32."""

    k: Float[Tensor, "b g p k"]
    v: Float[Tensor, "b g p e"]
    count: Int[Tensor, "b p"]

    def select(self, rows: Int[Tensor, " m"]) -> Slots:
        return Slots(self.k[rows], self.v[rows], self.count[rows])


@dataclass(frozen=True)
class _Shares:
    """What rows give to slots `[n p]` (none to those refined), and to the keys `[n m]` of those refined (-1: none)."""

    slots: Float[Tensor, "n p"]
    keys: Int[Tensor, "n m"]
    weights: Float[Tensor, "n m"]


class Pooled:
    """Softmax over slots of `stride` keys, each counted as so many times its mean, and over single keys of the best.

    The `refine` slots that score highest are read key by key, all others as their mean: O(s / stride) a step. It is not
    softmax over the keys, so a model should be trained with it. A key's weight is its own where its slot was refined,
    else an even share of its slot's.
    """

    supports = frozenset({Feature.GROUPS, Feature.VALUE_WIDTH})
    exact, indexes = False, True

    def __init__(self, scale: float | None = None, *, stride: int = 16, refine: int = 4) -> None:
        if stride < 1 or refine < 0:
            raise ConfigError(f"stride must be at least 1 and refine at least 0, got {stride} and {refine}")
        self.scale, self.stride, self.refine = scale, stride, refine

    def prepare(self, k: Tensor, v: Tensor, *, mask: Mask | None = None, bias: Tensor | None = None) -> KeyValues:
        mask = mask or Full()
        require(self.supports, {Feature.BIAS: bias is not None, Feature.ARBITRARY_MASK: not of_keys(mask, k)}, "pooled")
        memory = checked(k, v, mask, None)
        memory = replace(memory, k=memory.k.contiguous(), v=memory.v.contiguous())
        return replace(memory, index=self._pooled(memory))

    def attend(self, q: Tensor, memory: KeyValues, *, start: int = 0, dropout: float = 0.0) -> Tensor:
        rows, slots, shares = self._shares(q, memory, start, dropout=dropout)
        b, g, p, _ = slots.v.shape
        of_slots = (shares.slots.view(b, g, q.shape[1] // g * q.shape[2], p) @ slots.v).flatten(0, 2)
        context = of_slots + rows.read(memory, shares.keys, shares.weights)
        return torch.unflatten(context, 0, q.shape[:3]).to(q.dtype)

    def weights(
        self,
        q: Tensor,
        memory: KeyValues,
        *,
        start: int = 0,
        heads: Sequence[int] | None = None,
        rows: Sequence[int] | None = None,
    ) -> Tensor:
        asked, slots, shares = self._shares(q, memory, start, heads, rows)
        s = memory.k.shape[2]
        even_np = shares.slots / slots.count.clamp_min(1)[asked.batch]
        even_ns = even_np.repeat_interleave(self.stride, 1)[:, :s] * real_keys(memory)[asked.batch]
        single = even_ns.new_zeros(len(asked), s + 1).scatter(1, shares.keys % (s + 1), shares.weights)[:, :s]
        return torch.unflatten(even_ns + single, 0, queries_of(q, heads, rows).shape[:3])

    def _shares(
        self,
        q: Tensor,
        memory: KeyValues,
        start: int,
        heads: Sequence[int] | None = None,
        rows: Sequence[int] | None = None,
        *,
        dropout: float = 0.0,
    ) -> tuple[Rows, Slots, _Shares]:
        """The chosen rows, the slots that they read, and what they give to which of them."""
        plain = of_keys(memory.mask, memory.k)
        needs = {Feature.BIAS: memory.bias is not None, Feature.DROPOUT: dropout > 0, Feature.ARBITRARY_MASK: not plain}
        require(self.supports, needs, "pooled")
        check_queries(q, memory)
        asked = Rows.of(q, memory, start=start, heads=heads, rows=rows)
        slots = memory.index if isinstance(memory.index, Slots) else self._pooled(memory)
        scale = float(q.shape[-1] ** -0.5 if self.scale is None else self.scale)
        scores_np = self._scores(
            queries_of(q, heads, rows), groups_of(q.shape[1], memory.k.shape[1], heads), slots, scale
        )
        best = scores_np.detach().topk(min(self.refine, scores_np.shape[1]), -1).indices
        keys = (best[..., None] * self.stride + torch.arange(self.stride, device=q.device)).flatten(1)
        keys = keys.masked_fill(keys >= memory.k.shape[2], -1)
        both = torch.cat((scores_np.scatter(1, best, -torch.inf), asked.scores(memory, keys, scale)), 1)
        of_slots, of_single = torch.split(softmax(both), [scores_np.shape[1], keys.shape[1]], 1)
        return asked, slots, _Shares(of_slots, keys, of_single)

    def _scores(self, q: Tensor, groups: list[int], slots: Slots, scale: float) -> Float[Tensor, "n p"]:
        """Score of each slot's mean, with the log of how many it stands for."""
        b, h, t, width = q.shape
        g = slots.k.shape[1]
        q = q.to(slots.k.dtype) * scale
        if groups == [head * g // h for head in range(h)]:
            scores = (q.reshape(b, g, h // g * t, width) @ slots.k.mT).reshape(b, h, t, slots.k.shape[2])
        else:
            scores = q @ slots.k[:, groups].mT
        return (scores + slots.count.log()[:, None, None].to(scores.dtype)).flatten(0, 2)

    def _pooled(self, memory: KeyValues) -> Slots:
        dtype = torch.promote_types(memory.k.dtype, torch.float32)
        surplus = -memory.k.shape[2] % self.stride
        count_bp = torch.unflatten(F.pad(real_keys(memory), (0, surplus)), 1, (-1, self.stride)).sum(-1)
        k, v = (self._means(x, count_bp, surplus, dtype) for x in (memory.k, memory.v))
        return Slots(k, v, count_bp)

    def _means(self, x: Tensor, count: Tensor, surplus: int, dtype: torch.dtype) -> Float[Tensor, "b g p k"]:
        """Means of real positions; others hold zeros."""
        whole = F.pad(x, (0, 0, 0, surplus)) if surplus else x  # padding by nothing would copy
        sums = torch.unflatten(whole, 2, (-1, self.stride)).sum(3, dtype=dtype)
        return sums / count.clamp_min(1)[:, None, :, None]
