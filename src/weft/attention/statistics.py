"""What is true of weights without looking at them: entropy, expected position, mass of segments, coverage.

Each is one more fused call on a chosen head, with other values in place of its own, or the backward pass of one: memory
is that of t + s rows and never of t x s weights, and any trained model will do. All answers are at least float32. A
query that may attend to nothing has entropy 0, position 0 and mass 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import torch
from torch.utils.checkpoint import checkpoint

from weft.attention.blocks import blocks, scores_of
from weft.attention.fused import Fused
from weft.attention.normaliser import log_normaliser
from weft.attention.protocol import KeyValues, check_queries
from weft.base.errors import ShapeError
from weft.base.shapes import Float, Int, Tensor


def entropy(
    q: Tensor, memory: KeyValues, *, scale: float | None = None, start: int = 0, heads: Sequence[int] | None = None
) -> Float[Tensor, "b h t"]:
    """Entropy of each query's weights in nats: 0 if all is on one key, log(s) if it is spread evenly.

    H = L - sum_s a_ts score_ts, and the mean score is scale q_t (A K)_t: the keys, attended to. Differentiable.
    """
    factor = q.shape[-1] ** -0.5 if scale is None else scale
    found = []
    for q_b1tk, of_head in _each_head(q, memory, heads):
        log_sum = log_normaliser(q_b1tk, of_head, scale=factor, start=start)
        dead = log_sum == -torch.inf
        if of_head.bias is None:
            mean_key = Fused(factor).attend(q_b1tk, replace(of_head, v=of_head.k), start=start)
            mean_score = (q_b1tk * mean_key).sum(-1) * factor
        else:
            mean_score = _mean_score(q_b1tk, of_head, log_sum.masked_fill(dead, 0.0), factor, start)
        found.append((log_sum - mean_score).masked_fill(dead, 0.0).clamp_min(0.0))
    return torch.cat(found, 1)


def expected_position(
    q: Tensor, memory: KeyValues, *, scale: float | None = None, start: int = 0, heads: Sequence[int] | None = None
) -> Float[Tensor, "b h t"]:
    """Where each query looks on average, in keys counted from 0: sum_s a_ts s. Differentiable."""
    positions = torch.arange(memory.k.shape[2], device=q.device)[None, :, None]
    return _read(q, memory, lambda columns: positions, 1, scale=scale, start=start, heads=heads)[..., 0]


def segment_mass(
    q: Tensor,
    memory: KeyValues,
    segments: Int[Tensor, "#b s"],
    num_segments: int,
    *,
    scale: float | None = None,
    start: int = 0,
    heads: Sequence[int] | None = None,
) -> Float[Tensor, "b h t n"]:
    """How much of each query's weight falls on each segment of the keys: sentences, documents, sources. Differentiable.

    `segments` names the segment of every key, from 0; a key of -1 belongs to none.
    """
    check_segments(segments, memory, num_segments)

    def members(columns: slice) -> Tensor:
        return segments[..., None] == torch.arange(num_segments, device=q.device)[columns]

    return _read(q, memory, members, num_segments, scale=scale, start=start, heads=heads)


def coverage(
    q: Tensor,
    memory: KeyValues,
    *,
    scale: float | None = None,
    start: int = 0,
    heads: Sequence[int] | None = None,
    share: Float[Tensor, "#b #h #t"] | None = None,
) -> Float[Tensor, "b h s"]:
    """How much weight each key gets from all queries together: sum_t a_ts, or sum_t share_t a_ts.

    The backward pass of the fused call gives the values A^T times what flows back: here ones, or `share`, one number
    for each query of the chosen heads. Not differentiable itself.
    """
    pairs = list(_each_head(q.detach(), memory, heads))
    wanted = q.new_ones(q.shape[0], len(pairs), q.shape[2]) if share is None else share
    counts_bht = wanted.detach().expand(q.shape[0], len(pairs), q.shape[2])
    columns = [
        _columns(q_b1tk, of_head, counts_bht[:, i : i + 1].to(q_b1tk.dtype), scale, start)
        for i, (q_b1tk, of_head) in enumerate(pairs)
    ]
    return torch.cat(columns, 1)


def _each_head(q: Tensor, memory: KeyValues, heads: Sequence[int] | None) -> Iterator[tuple[Tensor, KeyValues]]:
    """Queries and memory of each chosen head alone, at least in float32."""
    check_queries(q, memory)
    dtype = torch.promote_types(q.dtype, torch.float32)
    for head in range(q.shape[1]) if heads is None else heads:
        of_head = memory.of_head(head, q.shape[1])
        yield q[:, head : head + 1].to(dtype), replace(of_head, k=of_head.k.to(dtype))


def _read(
    q: Tensor,
    memory: KeyValues,
    values: Callable[[slice], Tensor],
    num: int,
    *,
    scale: float | None,
    start: int,
    heads: Sequence[int] | None,
) -> Float[Tensor, "b h t n"]:
    """Weights times other values `[b|1 s n]`, made for a stretch of columns at a time.

    Values are made as wide as keys, without which the kernel on a CPU would form all the weights (torch 2.13).
    """
    backend, width = Fused(scale), q.shape[-1]
    found = []
    for q_b1tk, of_head in _each_head(q, memory, heads):
        pieces = []
        for first in range(0, num, width):
            columns = values(slice(first, first + width)).to(q_b1tk.dtype)
            wide = torch.nn.functional.pad(columns, (0, width - columns.shape[-1]))[:, None].expand_as(of_head.k)
            pieces.append(backend.attend(q_b1tk, replace(of_head, v=wide), start=start)[..., : columns.shape[-1]])
        found.append(torch.cat(pieces, -1))
    return torch.cat(found, 1)


def _columns(q: Tensor, memory: KeyValues, counts: Tensor, scale: float | None, start: int) -> Float[Tensor, "b 1 s"]:
    """A^T counts, for one head."""
    with torch.inference_mode(False), torch.enable_grad():
        plain, keys = (x.clone() if x.is_inference() else x.detach() for x in (q, memory.k))
        values = torch.zeros_like(keys, requires_grad=True)
        context = Fused(scale).attend(plain, replace(memory, k=keys, v=values), start=start)
        (by_values,) = torch.autograd.grad(context, values, counts.clone()[..., None].expand_as(context))
    return by_values[..., 0]


def _mean_score(q: Tensor, memory: KeyValues, log_sums: Tensor, scale: float, start: int) -> Float[Tensor, "b 1 t"]:
    """sum_s a_ts score_ts from blocks of keys: a bias of single queries is no value that a kernel could read."""

    def of_block(keys: slice) -> Tensor:
        scores = scores_of(q, memory, keys, scale=scale, start=start)
        hidden = scores == -torch.inf
        return ((scores - log_sums[..., None]).exp() * scores.masked_fill(hidden, 0.0)).sum(-1)

    parts = [
        checkpoint(of_block, keys, use_reentrant=False, preserve_rng_state=False)
        for keys in blocks(memory, q.shape[0] * q.shape[2])
    ]
    return torch.stack(parts).sum(0) if parts else torch.zeros_like(log_sums)


def check_segments(segments: Tensor, memory: KeyValues, num_segments: int) -> None:
    """Raise ShapeError unless every key of the memory has the number of a segment."""
    b, s = memory.k.shape[0], memory.k.shape[2]
    if segments.shape not in ((b, s), (1, s)) or num_segments < 1:
        raise ShapeError(
            f"segments must be [b|1 s] = [{b}, {s}], of at least one segment, got {list(segments.shape)} and "
            f"{num_segments}; name the segment of every key, -1 for none"
        )
