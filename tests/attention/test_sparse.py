"""The loss of guided alignment without t x s numbers: values and gradients are those of the dense one."""

from __future__ import annotations

import pytest
import torch
from tests.attention.problems import BIASES, MASKS, B, H, K, S, T, problem
from torch import Tensor

from weft.attention.normaliser import log_normaliser
from weft.attention.sparse import NULL, log_weights_at
from weft.base.errors import ShapeError

EDGES = torch.cartesian_prod(torch.arange(B), torch.arange(T), torch.arange(S))
"""Every edge there is, so that nothing escapes; repeated ones are tested beside."""


def asked(case, edges: Tensor = EDGES, *, head: int = 3, null: Tensor | None = None) -> Tensor:
    return log_weights_at(case.q, case.memory, edges, head=head, scale=case.scale, start=case.start, null=null)


def dense(case, head: int = 3, null: Tensor | None = None) -> Tensor:
    """Log weights `[b t s]`, with NULL as the last column where it competes; -inf in a dead row."""
    scores = case.scores[:, head]
    if null is not None:
        scores = torch.cat((scores, null[..., None]), -1)
    dead = (scores == -torch.inf).all(-1, keepdim=True)
    return scores.masked_fill(dead, 0.0).log_softmax(-1).masked_fill(dead, -torch.inf)


def gradients(log_weights: Tensor, leaves: list[Tensor]) -> tuple[Tensor, ...]:
    """Of a loss in which every finite entry has its own factor."""
    loss = (log_weights * torch.linspace(-1, 2, log_weights.numel()).view_as(log_weights))[log_weights > -torch.inf]
    return torch.autograd.grad(loss.sum(), leaves, allow_unused=True, materialize_grads=True)


@pytest.mark.parametrize("head", [0, 3, H - 1])
@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("mask", MASKS)
def test_values_and_gradients_are_those_of_the_dense_loss(mask, bias, head):
    case = problem(mask, bias)
    ours, wanted = asked(case, head=head), dense(case, head).flatten()
    torch.testing.assert_close(ours, wanted, atol=1e-12, rtol=1e-12)
    for mine, theirs in zip(gradients(ours, case.leaves()), gradients(wanted, case.leaves()), strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("mask", MASKS)
def test_null_competes_and_can_be_asked_for(mask):
    case = problem(mask)
    null = torch.randn(B, T, dtype=torch.float64, generator=torch.Generator().manual_seed(2)).requires_grad_()
    edges = torch.cartesian_prod(torch.arange(B), torch.arange(T), torch.tensor([*range(S), NULL]))
    ours, wanted = asked(case, edges, null=null), dense(case, null=null).flatten()
    torch.testing.assert_close(ours, wanted, atol=1e-12, rtol=1e-12)
    leaves = [*case.leaves(), null]
    for mine, theirs in zip(gradients(ours, leaves), gradients(wanted, leaves), strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("mask", MASKS)
def test_gradcheck(mask):
    case = problem(mask)
    edges = EDGES[(asked(case) > -torch.inf).nonzero()[::5, 0]]

    def log_weights(q: Tensor, k: Tensor, null: Tensor) -> Tensor:
        memory = type(case.memory)(k, case.memory.v, case.memory.mask)
        return log_weights_at(q, memory, edges, head=3, scale=0.3, start=1, null=null)

    null = torch.zeros(B, T, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(log_weights, (*case.leaves(), null), fast_mode=True)


@pytest.mark.parametrize("mask", ["dead", "window"])
def test_a_hidden_edge_is_minus_infinity_and_has_no_gradient(mask):
    case = problem(mask)
    hidden = EDGES[asked(case) == -torch.inf]
    assert len(hidden)
    loss = asked(case, hidden).exp().sum()
    assert loss == 0
    for gradient in torch.autograd.grad(loss, case.leaves()):
        assert (gradient == 0).all()


def test_an_edge_named_twice_counts_twice():
    case = problem("padding")
    once, twice = EDGES[:3], EDGES[:3].repeat(2, 1)
    for mine, theirs in zip(
        torch.autograd.grad(asked(case, twice).sum(), case.leaves()),
        torch.autograd.grad(2 * asked(case, once).sum(), case.leaves()),
        strict=True,
    ):
        torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 2e-5), (torch.bfloat16, 1e-2), (torch.float16, 2e-3)])
def test_low_precision_answers_in_float32_with_gradients_in_its_own(mask, dtype, tolerance):
    case = problem(mask, dtype=dtype)
    ours, wanted = asked(case), dense(case).flatten()
    assert ours.dtype is torch.float32
    torch.testing.assert_close(ours.double(), wanted, atol=2e-5, rtol=2e-5)  # the same numbers went in
    for mine, theirs in zip(gradients(ours, case.leaves()), gradients(wanted, case.leaves()), strict=True):
        assert mine.dtype is dtype
        torch.testing.assert_close(mine.double(), theirs.double(), atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("mask", ["padding", "window"])
def test_autocast_changes_nothing(mask):
    case = problem(mask, dtype=torch.float32)
    wanted = asked(case)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        ours = asked(case)
    assert torch.equal(ours, wanted)
    for mine, theirs in zip(gradients(ours, case.leaves()), gradients(wanted, case.leaves()), strict=True):
        torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("mask", ["full", "causal"])
@pytest.mark.parametrize(("t", "s"), [(0, 7), (5, 0), (0, 0)])
def test_nothing_to_read_or_ask_is_no_crash(mask, t, s):
    q, k = torch.randn(B, H, t, K, requires_grad=True), torch.randn(B, 2, s, K, requires_grad=True)
    memory = type(problem().memory)(k, k, MASKS[mask])
    log_sum = log_normaliser(q, memory)
    assert log_sum.shape == (B, H, t)
    assert (log_sum == -torch.inf).all()
    none = log_weights_at(q, memory, torch.empty(0, 3, dtype=torch.long), head=1)
    assert none.shape == (0,)
    assert all((gradient == 0).all() for gradient in torch.autograd.grad(none.sum(), (q, k), materialize_grads=True))


def test_keys_hidden_at_the_front_of_a_long_source_are_read_past():
    """Longer than a block of the kernel: nothing of the first blocks is open."""
    random = torch.Generator().manual_seed(4)
    q, k = (torch.randn(B, 1, n, K, dtype=torch.float64, generator=random) for n in (T, 2003))
    keep = (torch.arange(2003) >= 1500).expand(B, -1)
    memory = type(problem().memory)(k, k, type(MASKS["padding"])(keep))
    wanted = torch.logsumexp(q @ k[:, :, 1500:].mT * K**-0.5, -1)
    torch.testing.assert_close(log_normaliser(q, memory), wanted, atol=1e-12, rtol=0)


def test_null_without_scores_is_refused():
    with pytest.raises(
        ShapeError, match=r"an edge to NULL \(key -1\) wants null scores \[b t\], got none; leave the edge"
    ):
        asked(problem(), torch.tensor([[0, 0, NULL]]))
