"""Label-smoothed cross-entropy, plainly from logits, and fused with the output projection so that none are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch.autograd.function import once_differentiable

from weft.base.shapes import Float, Int, Tensor

ROWS = 512  # of logits alive at a time: 512 x 8,000 floats stay near the processor


@dataclass(frozen=True)
class Loss:
    """Sums over target tokens, in nats: the smoothed loss, and the plain negative log-likelihood."""

    smoothed: Float[Tensor, ""]
    likelihood: Float[Tensor, ""]


def cross_entropy(logits: Float[Tensor, "m w"], target: Int[Tensor, " m"], smoothing: float) -> Loss:
    """Summed cross-entropy against (1 - smoothing) one-hot + smoothing uniform (Szegedy et al. 2016, section 7)."""
    log_probability = torch.log_softmax(logits.to(torch.promote_types(logits.dtype, torch.float32)), -1)
    own = -log_probability.gather(1, target[:, None]).sum()
    uniform = -log_probability.mean(-1).sum()
    return Loss((1 - smoothing) * own + smoothing * uniform, own.detach())


def projected_cross_entropy(
    states: Float[Tensor, "m d"],
    table: Float[Tensor, "w d"],
    target: Int[Tensor, " m"],
    smoothing: float,
    dtype: torch.dtype,
) -> Loss:
    """`cross_entropy(states @ table.T, ...)`, without ever holding more than `ROWS` rows of logits.

    Gradients are computed in the same pass, while a block of logits is at hand; products run in `dtype`, softmax in
    float32. The logits of a batch would be its largest tensors by far.
    """
    smoothed, likelihood = _Projected.apply(states, table, target, smoothing, dtype)  # type: ignore[no-untyped-call]
    return Loss(smoothed, likelihood)


class _Projected(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, states: Tensor, table: Tensor, target: Tensor, smoothing: float, dtype: torch.dtype
    ) -> tuple[Tensor, Tensor]:
        wide = torch.promote_types(states.dtype, torch.float32)
        states_md, table_wd = states.to(dtype), table.to(dtype)
        grad_states = torch.empty(states.shape, dtype=wide, device=states.device)
        grad_table = torch.zeros(table.shape, dtype=wide, device=table.device)
        table_sum, spread = table_wd.to(wide).sum(0), smoothing / len(table)
        smoothed = likelihood = torch.zeros((), dtype=wide, device=states.device)
        blocks = (torch.split(rows, ROWS) for rows in (states_md, target, grad_states))
        for x, y, grad_x in zip(*blocks, strict=True):
            # The slope of a row is exp(logits - top) / mass - smoothing / w - (1 - smoothing) one-hot: only the first
            # term is a block of logits; the others are rank-one and rows of the table, added in full precision.
            logits_mw = (x @ table_wd.T).to(wide)
            own = logits_mw.gather(1, y[:, None]).squeeze(1)
            top = logits_mw.amax(-1, keepdim=True)
            power_mw = logits_mw.sub_(top).exp_()
            mass = power_mw.sum(-1, keepdim=True)
            normaliser = (top + mass.log()).squeeze(1)
            x_wide = x.to(wide)
            likelihood = likelihood + (normaliser - own).sum()
            smoothed = smoothed + smoothing * (normaliser - x_wide @ table_sum / len(table)).sum()
            power = power_mw.to(dtype)
            grad_x.copy_(power @ table_wd).div_(mass).sub_(spread * table_sum)
            grad_x.sub_((1 - smoothing) * table_wd[y])
            grad_table += power.T @ (x_wide / mass).to(dtype)
            grad_table -= spread * x_wide.sum(0)
            grad_table.index_add_(0, y, x_wide, alpha=smoothing - 1)
        smoothed = smoothed + (1 - smoothing) * likelihood
        ctx.save_for_backward(grad_states.to(states.dtype), grad_table.to(table.dtype))
        ctx.mark_non_differentiable(likelihood)
        return smoothed, likelihood

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        grad_states, grad_table = ctx.saved_tensors
        return grads[0] * grad_states, grads[0] * grad_table, None, None, None
