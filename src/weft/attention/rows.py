"""Rows of attention, one query of one head each, that read keys of their own choice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from weft.attention.protocol import KeyValues, allowed
from weft.attention.reference import masked_softmax
from weft.base.shapes import Bool, Float, Int, Tensor


@dataclass(frozen=True)
class Rows:
    """n queries `[n k]` of some calls' heads, the batch row and key head that each reads, and what it may attend to.

    `keep` is the dense mask of the call, `[b|1 h|1 t|1 s]` over the chosen heads and rows, or None for everything;
    `place` is where each row stands in `[b h t]`.
    """

    q: Float[Tensor, "n k"]
    batch: Int[Tensor, " n"]
    group: Int[Tensor, " n"]
    place: tuple[Int[Tensor, " n"], Int[Tensor, " n"], Int[Tensor, " n"]]
    keep: Bool[Tensor, "#b #h #t s"] | None

    @staticmethod
    def of(
        q: Tensor,
        memory: KeyValues,
        *,
        start: int = 0,
        heads: Sequence[int] | None = None,
        rows: Sequence[int] | None = None,
    ) -> Rows:
        """The chosen heads and rows of a call, in the order `[b h t]`, at least in float32."""
        chosen = queries_of(q, heads, rows)
        b, h, t, _ = chosen.shape
        place = torch.meshgrid(*(torch.arange(size, device=q.device) for size in (b, h, t)), indexing="ij")
        batch, head, row = (one.flatten() for one in place)
        group = torch.tensor(groups_of(q.shape[1], memory.k.shape[1], heads), device=q.device)[head]
        keep = allowed(q, memory, start, heads=heads, rows=rows)
        dtype = torch.promote_types(q.dtype, torch.float32)
        return Rows(chosen.flatten(0, 2).to(dtype), batch, group, (batch, head, row), keep)

    def __len__(self) -> int:
        return len(self.q)

    def select(self, which: Tensor) -> Rows:
        """Some of the rows, by number or by a bool for each."""
        batch, head, row = (one[which] for one in self.place)
        return Rows(self.q[which], self.batch[which], self.group[which], (batch, head, row), self.keep)

    def may_attend(self, keys: Int[Tensor, "n m"]) -> Bool[Tensor, "n m"] | None:
        """Whether each row may attend to keys of its choice; None where it may attend to all."""
        if self.keep is None:
            return None
        where = (
            one[:, None] if size > 1 else torch.zeros_like(one)[:, None]
            for one, size in zip(self.place, self.keep.shape, strict=False)
        )
        return self.keep[(*where, keys)]

    def mask(self) -> Bool[Tensor, "n s"] | None:
        """Every key that each row may attend to."""
        if self.keep is None:
            return None
        where = (
            one if size > 1 else torch.zeros_like(one) for one, size in zip(self.place, self.keep.shape, strict=False)
        )
        return self.keep[tuple(where)]

    def scores(self, memory: KeyValues, keys: Int[Tensor, "n m"], scale: float) -> Float[Tensor, "n m"]:
        """Scaled scores of keys of their choice, -inf where one is hidden or its number is -1."""
        k_nmk = self._read(memory.k, None if memory.units is None else memory.units.k, keys)
        scores_nm = torch.bmm(k_nmk, (self.q * scale)[:, :, None])[:, :, 0]
        keep_nm = self.may_attend(keys.clamp_min(0))
        hidden_nm = keys < 0 if keep_nm is None else ~keep_nm | (keys < 0)
        return scores_nm.masked_fill(hidden_nm, -torch.inf)

    def context(
        self, memory: KeyValues, keys: Int[Tensor, "n m"], scores: Float[Tensor, "n m"]
    ) -> Float[Tensor, "n e"]:
        """The mean of the values of these keys, weighted by the softmax of their scores; 0 for a dead row."""
        return self.read(memory, keys, softmax(scores))

    def read(self, memory: KeyValues, keys: Int[Tensor, "n m"], weights: Float[Tensor, "n m"]) -> Float[Tensor, "n e"]:
        """The sum of the values of these keys, each times its weight."""
        v_nme = self._read(memory.v, None if memory.units is None else memory.units.v, keys)
        return torch.bmm(weights[:, None], v_nme)[:, 0]

    def over_all(
        self, which: Int[Tensor, " m"], memory: KeyValues, scale: float
    ) -> Iterator[tuple[Int[Tensor, " r"], Float[Tensor, "r s"], Float[Tensor, "s e"]]]:
        """Weights over every key of those rows among `which` that share keys, with the values that they share."""
        g = memory.k.shape[1]
        pairs = self.batch[which] * g + self.group[which]
        for pair in torch.unique(pairs).tolist():
            same = which[pairs == pair]
            k, v = memory.of_pair(pair // g, pair % g, self.q.dtype)
            rows = self.select(same)
            scores = rows.q * scale @ k.T
            keep = rows.mask()
            weights = softmax(scores if keep is None else scores.masked_fill(~keep, -torch.inf))
            yield same, weights, v

    def _read(self, x: Tensor, units: Tensor | None, keys: Tensor) -> Float[Tensor, "n m k"]:
        """The chosen rows of keys or values, as numbers of the queries' type."""
        b, g, s, width = x.shape
        where = ((self.batch * g + self.group)[:, None] * s + keys.clamp_min(0)).flatten()
        found = x.reshape(b * g * s, width).index_select(0, where).to(self.q.dtype)
        if units is not None:
            found = found * units.reshape(b * g * s, 1).index_select(0, where)
        return torch.unflatten(found, 0, keys.shape)


def softmax(scores: Float[Tensor, "n m"]) -> Float[Tensor, "n m"]:
    """Softmax of scores that may be -inf; rows of nothing else are 0."""
    return masked_softmax(scores[None, None], None)[0, 0]


def queries_of(
    q: Float[Tensor, "b h t k"], heads: Sequence[int] | None, rows: Sequence[int] | None
) -> Float[Tensor, "b r n k"]:
    """The queries of the chosen heads and rows, in the order and as often as they are named."""
    chosen = q if heads is None else q[:, list(heads)]
    return chosen if rows is None else chosen[:, :, list(rows)]


def groups_of(num_heads: int, num_groups: int, heads: Sequence[int] | None) -> list[int]:
    """The key head that each of the chosen query heads reads."""
    return [head * num_groups // num_heads for head in (range(num_heads) if heads is None else heads)]
