"""Scores in stretches of keys, so that no more of them stand in memory than anybody wants to look at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from weft.attention.protocol import KeyValues, allowed
from weft.attention.reference import chosen_scores
from weft.base.shapes import Float, Tensor

_MANY_SCORES = 1 << 17  # half a megabyte in float32; steps like softmax hold a few times that
_NARROW = 512  # below it a block costs more to start than to compute, and topk of 8 takes a slower path (torch 2.13)


def blocks(memory: KeyValues, num_rows: int, width: int | None = None) -> Iterator[slice]:
    """All keys in stretches of `width`, by default 512, or more where so few rows have half a megabyte of scores."""
    width = max(_NARROW, _MANY_SCORES // max(1, num_rows)) if width is None else width
    for first in range(0, memory.k.shape[2], width):
        yield slice(first, first + width)


def scores_of(
    q: Tensor,
    memory: KeyValues,
    keys: slice,
    *,
    scale: float | None,
    start: int = 0,
    heads: Sequence[int] | None = None,
    rows: Sequence[int] | None = None,
) -> Float[Tensor, "b h t s"]:
    """Scores of the chosen heads and rows against a stretch of keys, -inf where hidden, at least in float32."""
    scores = chosen_scores(q, memory, scale=scale, heads=heads, rows=rows, keys=keys)
    keep = allowed(q, memory, start, heads=heads, rows=rows, keys=keys)
    return scores if keep is None else scores.masked_fill(~keep, -torch.inf)


def log_sum(scores: Float[Tensor, "*b s"]) -> Float[Tensor, "*b"]:
    """Log of the sum of exp; of -inf alone, or of nothing, it is -inf, with zero gradient."""
    if scores.shape[-1] == 0:
        return scores.sum(-1) - torch.inf
    dead = scores.detach().amax(-1, keepdim=True) == -torch.inf
    return scores.masked_fill(dead, 0.0).logsumexp(-1).masked_fill(dead[..., 0], -torch.inf)
