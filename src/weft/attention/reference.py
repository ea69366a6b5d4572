"""The definition of truth: scores in float32, softmax, times values. Every other back end must agree with this one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F

from weft.attention.masks import Full, Mask, pick
from weft.attention.protocol import Feature, KeyValues, allowed, check_queries, checked
from weft.base.shapes import Bool, Float, Tensor


class Reference:
    """Attention by the book (Vaswani et al. 2017, section 3.2.1), materialising the weights.

    `scale` multiplies the scores; 1/sqrt(k) by default. Softmax runs in float32, or float64 for float64 input; the
    context returns in the dtype of the queries.
    """

    supports = frozenset(Feature)
    exact, indexes = True, False

    def __init__(self, scale: float | None = None) -> None:
        self.scale = scale

    def prepare(self, k: Tensor, v: Tensor, *, mask: Mask | None = None, bias: Tensor | None = None) -> KeyValues:
        return checked(k, v, mask or Full(), bias)

    def attend(self, q: Tensor, memory: KeyValues, *, start: int = 0, dropout: float = 0.0) -> Tensor:
        weights_bhts = F.dropout(self.weights(q, memory, start=start), dropout)
        values_bhse = _per_query_head(memory.values_of(slice(None), weights_bhts.dtype), q.shape[1])
        return torch.einsum("bhts,bhse->bhte", weights_bhts, values_bhse).to(q.dtype)

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


def chosen_weights(
    q: Tensor,
    memory: KeyValues,
    *,
    scale: float | None,
    start: int = 0,
    heads: Sequence[int] | None = None,
    rows: Sequence[int] | None = None,
) -> Float[Tensor, "b h t s"]:
    """Softmax weights of the chosen heads and rows alone; the others are never formed."""
    scores_bhts = chosen_scores(q, memory, scale=scale, heads=heads, rows=rows)
    if isinstance(memory.mask, Full) and memory.bias is None:
        return scores_bhts.softmax(-1)  # every key may be read: there is no row to look for
    return masked_softmax(scores_bhts, allowed(q, memory, start, heads=heads, rows=rows))


def masked_softmax(
    scores: Float[Tensor, "b h t s"], keep: Bool[Tensor, "#b #h #t s"] | None
) -> Float[Tensor, "b h t s"]:
    """Softmax over the allowed keys; a row with none, or with -inf alone, is exactly zero, with zero gradient.

    Hidden scores become -inf and not the lowest finite number: a bias may hold that number at a key that is allowed.
    """
    if scores.shape[-1] == 0:
        return scores
    filled = scores if keep is None else scores.masked_fill(~keep, -torch.inf)
    dead = filled.detach().amax(-1, keepdim=True) == -torch.inf
    return torch.softmax(filled.masked_fill(dead, 0.0), -1).masked_fill(dead, 0.0)


def chosen_scores(
    q: Tensor,
    memory: KeyValues,
    *,
    scale: float | None,
    heads: Sequence[int] | None = None,
    rows: Sequence[int] | None = None,
    keys: slice = slice(None),
) -> Float[Tensor, "b h t s"]:
    """Scaled, biased scores of the chosen heads and rows against a stretch of keys, at least in float32."""
    check_queries(q, memory)
    h, g = q.shape[1], memory.k.shape[1]
    chosen = range(h) if heads is None else heads
    dtype = torch.promote_types(q.dtype, torch.float32)
    q_bhtk = pick(q, heads, rows).to(dtype) * (q.shape[-1] ** -0.5 if scale is None else scale)
    k_bgsk = memory.keys_of(keys)
    with torch.autocast(q.device.type, enabled=False):
        if heads is None or h > g == 1:  # heads that share keys are queries of one head: nothing is copied
            k_bgsk = k_bgsk.to(dtype)
            scores_bgrs = torch.matmul(_by_group(q_bhtk, g), k_bgsk.transpose(-1, -2))
            scores_bhts = scores_bgrs.reshape(*q_bhtk.shape[:3], k_bgsk.shape[2])
        else:
            k_bhsk = _of_heads(k_bgsk, [head * g // h for head in chosen])
            scores_bhts = torch.matmul(q_bhtk, k_bhsk.to(dtype).transpose(-1, -2))
    return scores_bhts if memory.bias is None else scores_bhts + pick(memory.bias, heads, rows)[..., keys].to(dtype)


def _by_group(q: Float[Tensor, "b h t k"], num_groups: int) -> Float[Tensor, "b g r k"]:
    """Queries of the heads that share each key head, one after the other."""
    b, h, t, k = q.shape
    return q if h == num_groups else q.reshape(b, num_groups, h // num_groups * t, k)


def _of_heads(x: Float[Tensor, "b g s k"], groups: Sequence[int]) -> Float[Tensor, "b h s k"]:
    """The key/value heads of these numbers; one alone is a view, and nothing is copied."""
    return x[:, groups[0]][:, None] if len(groups) == 1 else x[:, list(groups)]


def _per_query_head(x: Float[Tensor, "b g s e"], num_heads: int) -> Float[Tensor, "b h s e"]:
    """Each key/value head repeated for the query heads that share it."""
    return x if x.shape[1] == num_heads else x.repeat_interleave(num_heads // x.shape[1], 1)
