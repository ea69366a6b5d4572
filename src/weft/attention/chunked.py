"""Exact attention to a source in stretches of keys: memory is that of one stretch, wherever the source lies."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.utils.checkpoint import checkpoint

from weft.attention.blocks import log_sum, scores_of
from weft.attention.fused import Fused
from weft.attention.masks import Full, Mask
from weft.attention.merging import Part
from weft.attention.normaliser import context_and_log_sum
from weft.attention.protocol import Feature, KeyValues, allowed, check_queries, require
from weft.attention.reference import chosen_weights
from weft.attention.stored import Numbers, stored
from weft.attention.unpadded import unpadded
from weft.base.errors import ConfigError
from weft.base.shapes import Tensor

CHUNK = 32768
"""Keys of a chunk: the fewest whose merging costs less than 5 % of a step on a CPU, benchmarks/long_sources.py."""


class Chunked:
    """Softmax attention, merged from `chunk` keys at a time by their log-sum-exp; equal to reading all at once.

    Keys and values may be kept in fewer bits (`numbers`: "float32" as they come, "bfloat16", "int8") or lie in a file;
    a stretch at a time becomes numbers of the queries' type. Training keeps no stretch for its backward pass but forms
    it again. The weights of many rows are as large as anywhere else; ask for few, or for `Observation.top`.
    """

    supports = frozenset({Feature.BIAS, Feature.GROUPS, Feature.VALUE_WIDTH, Feature.ARBITRARY_MASK})
    exact = True

    def __init__(self, scale: float | None = None, *, chunk: int = CHUNK, numbers: Numbers = "float32") -> None:
        if chunk < 1:
            raise ConfigError(f"a chunk wants at least 1 key, got {chunk}; {CHUNK} serves most")
        self.scale, self.chunk, self.numbers = scale, chunk, numbers
        self.indexes = numbers != "float32"

    def prepare(self, k: Tensor, v: Tensor, *, mask: Mask | None = None, bias: Tensor | None = None) -> KeyValues:
        return stored(unpadded(k, v, mask or Full(), bias), self.numbers)

    def attend(self, q: Tensor, memory: KeyValues, *, start: int = 0, dropout: float = 0.0) -> Tensor:
        require(self.supports, {Feature.DROPOUT: dropout > 0}, "chunked")
        check_queries(q, memory)
        if memory.k.shape[2] <= self.chunk:  # nothing to merge
            return Fused(self.scale).attend(q, memory, start=start)
        found = None
        for first in range(0, memory.k.shape[2], self.chunk):
            part = self._part(q, memory, slice(first, first + self.chunk), start)
            found = part if found is None else found.with_(part)
        assert found is not None
        return found.context.to(q.dtype)

    def weights(
        self,
        q: Tensor,
        memory: KeyValues,
        *,
        start: int = 0,
        heads: Sequence[int] | None = None,
        rows: Sequence[int] | None = None,
    ) -> Tensor:
        return chosen_weights(q, memory, scale=self.scale, start=start, heads=heads, rows=rows)

    def _part(self, q: Tensor, memory: KeyValues, keys: slice, start: int) -> Part:
        """What the queries get from a stretch of the keys."""
        if not torch.is_grad_enabled():
            return part_of(q, memory, keys, scale=self.scale, start=start)

        def again(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor]:
            part = part_of(
                q, KeyValues(k, v, memory.mask, bias, units=memory.units), keys, scale=self.scale, start=start
            )
            return part.context, part.log_sum

        leaves = (q, memory.k, memory.v, memory.bias)
        return Part(*checkpoint(again, *leaves, use_reentrant=False, preserve_rng_state=False))


def part_of(q: Tensor, memory: KeyValues, keys: slice, *, scale: float | None, start: int) -> Part:
    """What queries get from a stretch of the keys, from the fused kernel where it serves, else from the scores."""
    dtype = torch.promote_types(q.dtype, torch.float32)
    keep = allowed(q, memory, start, keys=keys) if memory.mask.same_for_all_queries() else None
    plain = memory.mask.same_for_all_queries() and memory.bias is None and (keep is None or keep.shape[1:3] == (1, 1))
    if plain and not torch.is_grad_enabled():
        found = context_and_log_sum(q.to(dtype), memory.stretch(keys, dtype), keep, scale=scale)
        if found is not None:
            return Part(*found)
    scores_bhts = scores_of(q, memory, keys, scale=scale, start=start)
    sums_bht = log_sum(scores_bhts)
    alive = sums_bht > -torch.inf
    weights_bhts = (scores_bhts - sums_bht.masked_fill(~alive, 0.0)[..., None]).exp()
    share = q.shape[1] // memory.k.shape[1]
    values_bhse = memory.values_of(keys, dtype).repeat_interleave(share, 1)
    return Part(torch.einsum("bhts,bhse->bhte", weights_bhts, values_bhse), sums_bht)
