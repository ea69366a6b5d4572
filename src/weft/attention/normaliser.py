"""The log normaliser of attention, log of the sum of exp of the scores, from fused calls, gradient included."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch.autograd.function import once_differentiable
from torch.utils.checkpoint import checkpoint

from weft.attention.blocks import blocks, log_sum, scores_of
from weft.attention.protocol import KeyValues, allowed, check_queries
from weft.base.shapes import Bool, Float, Tensor

# Private: torch has no public kernel that gives the normaliser on a CPU (2.13). It knows float masks alone, no gradient
# of the normaliser, and kills the process where an axis is empty.
_KERNEL = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu


def log_normaliser(
    q: Tensor, memory: KeyValues, *, scale: float | None = None, start: int = 0, heads: Sequence[int] | None = None
) -> Float[Tensor, "b h t"]:
    """L_t = log sum_s exp(scale q_t k_s + bias_ts) of the chosen heads, at least float32; -inf for a dead row.

    A weight is exp(score - L). Differentiable in queries, keys and bias, without t x s numbers at once: from the fused
    kernel, dL/dq_t = scale sum_s a_ts k_s and dL/dk_s = scale sum_t a_ts q_t, the second being what the kernel's own
    backward pass gives the values when q is what flows back. Where the kernel does not serve (another device, masks or
    biases of single queries), keys are read in blocks, and again in the backward pass.
    """
    check_queries(q, memory)
    h = q.shape[1]
    chosen = range(h) if heads is None else heads
    factor = q.shape[-1] ** -0.5 if scale is None else scale
    return torch.cat([_of_head(q[:, i : i + 1], memory.of_head(i, h), factor, start) for i in chosen], 1)


def context_and_log_sum(
    q: Float[Tensor, "b h t k"], memory: KeyValues, keep: Bool[Tensor, "#b 1 1 s"] | None, *, scale: float | None
) -> tuple[Float[Tensor, "b h t e"], Float[Tensor, "b h t"]] | None:
    """Context and log normaliser from one fused call, without gradients; None where the kernel does not serve.

    Heads that share keys become queries of one head. A dead row has context 0 and normaliser -inf.
    """
    k, v = memory.k, memory.v
    if q.device.type != "cpu" or 0 in (q.numel(), k.numel(), v.numel()) or k.shape[3] != v.shape[3]:
        return None
    (b, h, t, width), g = q.shape, k.shape[1]
    factor = width**-0.5 if scale is None else scale
    mask = None if keep is None else torch.zeros_like(keep, dtype=q.dtype).masked_fill_(~keep, -torch.inf)
    dead = None if keep is None else ~keep.any(-1)
    if mask is not None and dead is not None:
        mask = mask.masked_fill(dead[..., None], 0.0)
    context, log_sum = _KERNEL(q.reshape(b, g, h // g * t, width), k, v, attn_mask=mask, scale=factor)
    context, log_sum = context.reshape(b, h, t, -1), log_sum.reshape(b, h, t)
    if dead is not None:
        context, log_sum = context.masked_fill(dead[..., None], 0.0), log_sum.masked_fill(dead, -torch.inf)
    return context, log_sum


def _of_head(q: Tensor, memory: KeyValues, scale: float, start: int) -> Float[Tensor, "b 1 t"]:
    if not _kernel_serves(q, memory):
        return _by_blocks(q, memory, scale, start)
    dtype = torch.promote_types(q.dtype, torch.float32)
    bias = _additive(memory, allowed(q, memory, start, rows=[0]), dtype)
    if bias is None:
        return _by_kernel(q.to(dtype), memory.k.to(dtype), None, scale)
    dead = (bias == -torch.inf).all(-1)  # what the kernel makes of them depends on its version
    alive = bias.masked_fill(dead[..., None], 0.0)
    return _by_kernel(q.to(dtype), memory.k.to(dtype), alive, scale).masked_fill(dead, -torch.inf)


def _kernel_serves(q: Tensor, memory: KeyValues) -> bool:
    bias = memory.bias
    plain = bias is None or (bias.shape[2] == 1 and not bias.requires_grad)
    filled = q.numel() > 0 and memory.k.numel() > 0
    return q.device.type == "cpu" and filled and plain and memory.mask.same_for_all_queries()


def _additive(memory: KeyValues, keep: Tensor | None, dtype: torch.dtype) -> Float[Tensor, "#b 1 1 s"] | None:
    """Bias and mask, the same for every query, as the kernel takes them."""
    if keep is None:
        return None if memory.bias is None else memory.bias.to(dtype)
    bias = torch.zeros_like(keep, dtype=dtype) if memory.bias is None else memory.bias.to(dtype)
    return bias.masked_fill(~keep, -torch.inf)


class _ByKernel(torch.autograd.Function):
    """The normaliser that the fused kernel computes on its way, with the gradient that it lacks."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, bias: Tensor | None, scale: float) -> Tensor:
        read_bhtk, sum_bht = _KERNEL(q, k, k, attn_mask=bias, scale=scale)  # keys as values: what dL/dq needs
        ctx.save_for_backward(q, k, bias, read_bhtk)
        ctx.scale = scale
        return sum_bht

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None, None]:
        q, k, bias, read_bhtk = ctx.saved_tensors
        flow_bhtk = gradient[..., None] * ctx.scale
        values = torch.zeros_like(k, requires_grad=True)
        with torch.enable_grad(), torch.autocast(q.device.type, enabled=False):
            context = F.scaled_dot_product_attention(q, k, values, bias, scale=ctx.scale)
        (by_keys,) = torch.autograd.grad(context, values, flow_bhtk * q)
        return flow_bhtk * read_bhtk, by_keys, None, None


def _by_kernel(q: Tensor, k: Tensor, bias: Tensor | None, scale: float) -> Float[Tensor, "b 1 t"]:
    if not torch.is_grad_enabled():
        return _KERNEL(q, k, k, attn_mask=bias, scale=scale)[1]
    found: Tensor = _ByKernel.apply(q, k, bias, scale)  # type: ignore[no-untyped-call]
    return found


def _by_blocks(q: Tensor, memory: KeyValues, scale: float, start: int) -> Float[Tensor, "b 1 t"]:
    """The same from stretches of keys; `checkpoint` lets the backward pass form them again."""

    def of_block(keys: slice) -> Tensor:
        return log_sum(scores_of(q, memory, keys, scale=scale, start=start))

    sums = [
        checkpoint(of_block, keys, use_reentrant=False, preserve_rng_state=False)
        for keys in blocks(memory, q.shape[0] * q.shape[2])
    ]
    if sums:
        return log_sum(torch.stack(sums, -1))
    return q.new_full(q.shape[:3], -torch.inf, dtype=torch.promote_types(q.dtype, torch.float32))
