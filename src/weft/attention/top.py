"""The largest weights of each query and the exact rest, without ever forming a row of weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from weft.attention.blocks import blocks, scores_of
from weft.attention.masks import pick
from weft.attention.protocol import KeyValues
from weft.base.errors import ShapeError
from weft.base.shapes import Float, Int, Tensor


@dataclass(frozen=True)
class TopWeights:
    """The largest weights of each row, largest first, with their keys, and the mass of all the others.

    Probabilities are normalised over every key, not over those kept. Where a row has fewer keys than asked for, and in
    a dead row, the surplus has probability 0 and index -1.
    """

    probability: Float[Tensor, "b h t n"]
    index: Int[Tensor, "b h t n"]
    rest: Float[Tensor, "b h t"]


def top_weights(
    q: Tensor,
    memory: KeyValues,
    num: int,
    *,
    scale: float | None = None,
    start: int = 0,
    heads: Sequence[int] | None = None,
    rows: Sequence[int] | None = None,
    block: int | None = None,
) -> TopWeights:
    """The `num` largest softmax weights of the chosen heads and rows.

    Keys are read in blocks that carry a running maximum and sum (Milakov and Gimelshein 2018), so memory is that of
    |heads| x |rows| x `block` scores; by default half a megabyte, and at least 512 keys wide. One pass gives the
    normaliser and the candidates together; taking the normaliser from the fused kernel would still need this pass.
    """
    check_num(num, block)

    def of_block(keys: slice) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        scores = scores_of(q, memory, keys, scale=scale, start=start, heads=heads, rows=rows)
        return scores.logsumexp(-1), scores.topk(min(num, scores.shape[-1]), -1)

    best = index = log_sum = None
    for keys in blocks(memory, pick(q, heads, rows).shape[:3].numel(), block):
        block_sum, (value, at) = of_block(keys)  # its scores are gone before the next ones come
        log_sum = block_sum if log_sum is None else torch.logaddexp(log_sum, block_sum)
        if best is not None and index is not None:
            value, at = torch.cat((best, value), -1), torch.cat((index, at + keys.start), -1)
            value, order = value.topk(min(num, value.shape[-1]), -1)
            at = at.gather(-1, order)
        best, index = value, at
    if best is None or index is None or log_sum is None:
        return _nothing(q, heads, rows, num)
    surplus = (0, num - best.shape[-1])
    best, index = F.pad(best, surplus, value=-torch.inf), F.pad(index, surplus, value=-1)
    alive = best > -torch.inf
    probability = torch.where(alive, (best - log_sum[..., None]).exp(), 0.0)
    rest = torch.where(alive.any(-1), (1 - probability.sum(-1)).clamp_min(0.0), 0.0)
    return TopWeights(probability, index.masked_fill(~alive, -1), rest)


def check_num(num: int, block: int | None = None) -> None:
    """Raise ShapeError unless at least one weight is asked for, from blocks of at least one key."""
    if num < 1 or (block is not None and block < 1):
        raise ShapeError(f"num and block must be at least 1, got {num} and {block}; ask for one weight or more")


def _nothing(q: Tensor, heads: Sequence[int] | None, rows: Sequence[int] | None, num: int) -> TopWeights:
    """The answer for a memory without keys."""
    shape, dtype = pick(q, heads, rows).shape[:3], torch.promote_types(q.dtype, torch.float32)
    index = torch.full((*shape, num), -1, device=q.device)
    return TopWeights(q.new_zeros(*shape, num, dtype=dtype), index, q.new_zeros(shape, dtype=dtype))
