"""Log weights at single places, differentiable, without ever forming all of them: the loss of guided alignment."""

from __future__ import annotations

from dataclasses import replace

import torch

from weft.attention.masks import Links
from weft.attention.normaliser import log_normaliser
from weft.attention.protocol import KeyValues
from weft.base.errors import ShapeError
from weft.base.shapes import Float, Int, Tensor

NULL = -1
"""The key of an edge that asks for no word at all."""


def log_weights_at(
    q: Tensor,
    memory: KeyValues,
    edges: Int[Tensor, "n 3"],
    *,
    head: int,
    scale: float | None = None,
    start: int = 0,
    null: Float[Tensor, "b t"] | None = None,
) -> Float[Tensor, " n"]:
    """Log weights of one head at edges (row of the batch, query, key), at least float32; -inf where one is hidden.

    `null` holds a score of "no word" for every query, which competes with the keys; an edge to key `NULL` (-1) asks for
    its log weight. Differentiable in q, keys and null, by the rows that edges name and `log_normaliser`: memory is that
    of n + t + s numbers and not t x s. An edge that may not be attended to has no gradient. Raises ShapeError for edges
    to NULL without scores of it.
    """
    row, query, key = edges.unbind(-1)
    check_edges(edges, null is not None)
    dtype = torch.promote_types(q.dtype, torch.float32)  # from here on, so that gradients add up in it, too
    q_bhtk, of_head = q[:, head : head + 1].to(dtype), memory.of_head(head, q.shape[1])
    of_head = replace(of_head, k=of_head.k.to(dtype))
    log_sum_bt = log_normaliser(q_bhtk, of_head, scale=scale, start=start)[:, 0]
    links = Links(row, query, key.clamp_min(0), start=start)
    scores, open_ = _scores_at(q_bhtk, of_head, links, scale), of_head.mask.at(links)
    if null is not None:
        null = null.to(dtype)
        log_sum_bt = torch.logaddexp(log_sum_bt, null)
        scores, open_ = torch.where(key < 0, null[row, query], scores), open_ | (key < 0)
    open_ = open_ & (scores > -torch.inf)  # a bias may hide a key, too
    return (scores - log_sum_bt[row, query]).masked_fill(~open_, -torch.inf)


def check_edges(edges: Int[Tensor, "n 3"], has_null: bool) -> None:
    """Raise ShapeError for edges to NULL where nothing gives it a score."""
    if not has_null and bool((edges[:, 2] < 0).any()):
        raise ShapeError(
            "an edge to NULL (key -1) wants null scores [b t], got none; leave the edge out, or pass null="
        )


def _scores_at(q: Tensor, memory: KeyValues, links: Links, scale: float | None) -> Float[Tensor, " n"]:
    """Scaled, biased scores of one head at single places."""
    factor = q.shape[-1] ** -0.5 if scale is None else scale
    scores = (q[links.row, 0, links.query] * memory.k[links.row, 0, links.key]).sum(-1) * factor
    return scores if memory.bias is None else scores + links.of(memory.bias).to(q.dtype)
