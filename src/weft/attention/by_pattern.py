"""Self-attention along a pattern, in time and memory that grow with the length of the sequence and not its square."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F

from weft.attention.fused import Fused
from weft.attention.masks import Arbitrary, Both, Full, Mask
from weft.attention.of_keys import of_keys
from weft.attention.patterns import Along, Pattern
from weft.attention.protocol import Feature, KeyValues, check_queries, checked, require
from weft.attention.reference import chosen_weights
from weft.base.shapes import Int, Tensor

_MANY_SCORES = 1 << 21  # 8 MB at once


class ByPattern:
    """Softmax over the keys that a pattern shows to each query: dense attention under the mask `Along(pattern)`.

    Neighbouring queries are read together, against the few keys that any of them may see; those that see everything
    read everything. Prepared memories carry the pattern in their mask, so that whatever is asked of a record later is
    asked of the keys that were seen. Masks of single queries and biases, as large as what is saved, are refused.
    """

    supports = frozenset({Feature.DROPOUT, Feature.GROUPS, Feature.VALUE_WIDTH})
    exact, indexes = True, False

    def __init__(self, scale: float | None = None, *, pattern: Pattern) -> None:
        self.scale, self.pattern = scale, pattern
        self._fused = Fused(scale)

    def prepare(self, k: Tensor, v: Tensor, *, mask: Mask | None = None, bias: Tensor | None = None) -> KeyValues:
        mask = mask or Full()
        self._refuse(mask, k, bias)
        return replace(checked(k, v, mask, None), mask=mask & Along(self.pattern))

    def attend(self, q: Tensor, memory: KeyValues, *, start: int = 0, dropout: float = 0.0) -> Tensor:
        check_queries(q, memory)
        plain = replace(memory, mask=self._mask_of_keys(memory))
        t, s = q.shape[2], memory.k.shape[2]
        num_global = min(max(self.pattern.num_global - start, 0), t)
        everywhere = self._fused.attend(q[:, :, :num_global], plain, start=start, dropout=dropout)
        if num_global == t:
            return everywhere
        if s == 0:
            return self._fused.attend(q, plain, start=start)
        nearby = self._nearby(q[:, :, num_global:], plain, start + num_global, dropout)
        return torch.cat((everywhere, nearby), 2) if num_global else nearby

    def weights(
        self,
        q: Tensor,
        memory: KeyValues,
        *,
        start: int = 0,
        heads: Sequence[int] | None = None,
        rows: Sequence[int] | None = None,
    ) -> Tensor:
        """As the protocol says: `[b h t s]` of the chosen heads and rows, zero where the pattern shows no key."""
        seen = replace(memory, mask=self._mask_of_keys(memory) & Along(self.pattern))
        return chosen_weights(q, seen, scale=self.scale, start=start, heads=heads, rows=rows)

    def _nearby(self, q: Tensor, memory: KeyValues, start: int, dropout: float) -> Tensor:
        """Contexts of queries that do not see everything, some stretches of them at a time."""
        b, h, t, _ = q.shape
        size = self.pattern.stretch
        lead = start % size
        queries = F.pad(q, (0, 0, lead, -(lead + t) % size))
        first = torch.arange(start - lead, start + t, size, device=q.device)
        num_keys = self.pattern.keys_near(first[:1]).shape[1]
        at_once = max(1, _MANY_SCORES // max(1, b * h * size * num_keys))
        contexts = [
            self._stretches(queries[:, :, place * size : (place + at_once) * size], memory, some, dropout)
            for place, some in zip(range(0, len(first), at_once), torch.split(first, at_once), strict=True)
        ]
        return torch.cat(contexts, 2)[:, :, lead : lead + t]

    def _stretches(self, q: Tensor, memory: KeyValues, first: Int[Tensor, " n"], dropout: float) -> Tensor:
        """Contexts of the queries of n stretches, each with keys of its own: one call in which they are rows."""
        n, size, s = len(first), self.pattern.stretch, memory.k.shape[2]
        keys_nm = self.pattern.keys_near(first)
        keys_nm = keys_nm.masked_fill(keys_nm >= s, -1)
        positions = first[:, None] + torch.arange(size, device=q.device)
        seen = self.pattern.sees(positions[:, :, None], keys_nm[:, None, :]) & (keys_nm >= 0)[:, None, :]
        keys_nm = keys_nm.clamp_min(0)
        allowed = seen[None].expand(len(q), -1, -1, -1)
        if (keep := memory.mask.key_keep()) is not None:
            allowed = allowed & keep[:, keys_nm][:, :, None, :]
        rows = KeyValues(
            _gathered(memory.k, keys_nm), _gathered(memory.v, keys_nm), Arbitrary(allowed.flatten(0, 1)[:, None])
        )
        q_rows = torch.unflatten(q, 2, (n, size)).transpose(1, 2).flatten(0, 1)  # b h nt k -> bn h t k
        context = self._fused.attend(q_rows, rows, dropout=dropout)
        return torch.unflatten(context, 0, (-1, n)).transpose(1, 2).flatten(2, 3)  # bn h t e -> b h nt e

    def _mask_of_keys(self, memory: KeyValues) -> Mask:
        """The mask of a memory without the pattern."""
        mask, own = memory.mask, Along(self.pattern)
        if mask == own:
            return Full()
        mask = mask.left if isinstance(mask, Both) and mask.right == own else mask
        self._refuse(mask, memory.k, memory.bias)
        return mask

    def _refuse(self, mask: Mask, k: Tensor, bias: Tensor | None) -> None:
        needs = {Feature.BIAS: bias is not None, Feature.ARBITRARY_MASK: not of_keys(mask, k)}
        require(self.supports, needs, "by pattern")


def _gathered(x: Tensor, keys: Int[Tensor, "n m"]) -> Tensor:
    """Keys or values of each stretch as a row of the batch: b g s k -> bn g m k."""
    chosen = torch.unflatten(x.index_select(2, keys.flatten()), 2, keys.shape)
    return chosen.transpose(1, 2).flatten(0, 1)
