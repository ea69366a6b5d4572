"""The fast path: torch's fused kernel, which forms no weights, and weights recovered from it after the fact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F

from weft.attention.masks import Causal, Full, Mask
from weft.attention.protocol import Feature, KeyValues, allowed, check_queries, checked
from weft.attention.reference import chosen_weights
from weft.base.shapes import Bool, Tensor

_MANY_SCORES = 1 << 16  # per head: longer sequences keep to the kernel, which never forms the scores


class Fused:
    """`scaled_dot_product_attention` behind prepare / attend / weights; `scale` is 1/sqrt(k) by default."""

    supports = frozenset(Feature)
    exact, indexes = True, False

    def __init__(self, scale: float | None = None) -> None:
        self.scale = scale

    def prepare(self, k: Tensor, v: Tensor, *, mask: Mask | None = None, bias: Tensor | None = None) -> KeyValues:
        return checked(k, v, mask or Full(), bias)

    def attend(self, q: Tensor, memory: KeyValues, *, start: int = 0, dropout: float = 0.0) -> Tensor:
        check_queries(q, memory)
        memory = _in_its_own_numbers(memory, q.dtype)
        if memory.bias is None and isinstance(memory.mask, Full):
            return self._kernel(q, memory, None, dropout)
        square = isinstance(memory.mask, Causal) and start == 0 and q.shape[2] == memory.k.shape[2]
        if square and memory.bias is None:
            return self._kernel(q, memory, None, dropout, is_causal=True)
        mask = _additive(q, allowed(q, memory, start), memory.bias)
        if mask is None or memory.mask.every_query_has_a_key():
            return self._kernel(q, memory, mask, dropout)
        # What kernels make of a row without keys depends on their version and dtype, gradients included: let such a row
        # read every key, and forget what it read.
        dead = _dead(mask)
        return self._kernel(q, memory, _revived(mask, dead), dropout).masked_fill(dead, 0.0)

    def weights(
        self,
        q: Tensor,
        memory: KeyValues,
        *,
        start: int = 0,
        heads: Sequence[int] | None = None,
        rows: Sequence[int] | None = None,
    ) -> Tensor:
        """As the protocol says. Only the chosen heads and rows are ever formed."""
        return chosen_weights(q, memory, scale=self.scale, start=start, heads=heads, rows=rows)

    def _kernel(
        self, q: Tensor, memory: KeyValues, mask: Tensor | None, dropout: float, *, is_causal: bool = False
    ) -> Tensor:
        b, h, t, width = q.shape
        g = memory.k.shape[1]
        if q.requires_grad and h == g and _matrices_are_faster(q, t * memory.k.shape[2]):
            scale = width**-0.5 if self.scale is None else self.scale
            return _matrices(q * scale, memory, mask, dropout, is_causal=is_causal)
        if h != g and not is_causal and (mask is None or mask.shape[1:3] == (1, 1)):
            # Heads that share keys become extra queries of one head: far faster than enable_gqa on a CPU.
            folded = F.scaled_dot_product_attention(
                q.reshape(b, g, h // g * t, width), memory.k, memory.v, mask, dropout, scale=self.scale
            )
            return folded.reshape(b, h, t, memory.v.shape[-1])
        return F.scaled_dot_product_attention(
            q, memory.k, memory.v, mask, dropout, is_causal, scale=self.scale, enable_gqa=h != g
        )


def _in_its_own_numbers(memory: KeyValues, dtype: torch.dtype) -> KeyValues:
    """Keys and values in the dtype of the queries: the kernel takes no other."""
    if memory.units is None and memory.k.dtype is dtype:
        return memory
    return replace(memory.stretch(slice(None), dtype), mask=memory.mask, bias=memory.bias)


def _matrices_are_faster(q: Tensor, num_scores: int) -> bool:
    """In bfloat16 on a CPU the kernel's backward pass is many times slower than plain matrices (torch 2.13)."""
    low = q.dtype in (torch.bfloat16, torch.float16)
    return low and q.device.type == "cpu" and num_scores <= _MANY_SCORES


def _matrices(q: Tensor, memory: KeyValues, mask: Tensor | None, dropout: float, *, is_causal: bool) -> Tensor:
    """Attention by plain matrix products; a mask without dead rows, softmax in float32."""
    scores_bhts = torch.matmul(q, memory.k.transpose(-1, -2)).float()
    if is_causal:
        mask = torch.ones(scores_bhts.shape[-2:], dtype=torch.bool, device=q.device).tril()
    if mask is not None and mask.dtype is torch.bool:
        scores_bhts.masked_fill_(~mask, -torch.inf)
    elif mask is not None:
        scores_bhts = scores_bhts + mask
    return torch.matmul(F.dropout(scores_bhts.softmax(-1), dropout).to(q.dtype), memory.v)


def _additive(q: Tensor, keep: Tensor | None, bias: Tensor | None) -> Tensor | None:
    """What the kernel takes: a bool mask as it is, or bias and mask as one float tensor in the dtype of the queries."""
    if bias is None:
        return keep
    biased = bias.to(q.dtype)
    return biased if keep is None else biased.masked_fill(~keep, float("-inf"))


def _dead(mask: Tensor) -> Bool[Tensor, "#b #h #t 1"]:
    """The rows of a bool or additive mask that may attend to nothing."""
    shut = ~mask if mask.dtype is torch.bool else mask == -torch.inf
    return shut.all(-1, keepdim=True)


def _revived(mask: Tensor, dead: Tensor) -> Tensor:
    """The mask with dead rows opened."""
    return mask | dead if mask.dtype is torch.bool else mask.masked_fill(dead, 0.0)
