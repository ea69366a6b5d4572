"""Laws of the losses: fused with the projection or not, the same numbers and gradients; smoothing is torch's."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from weft.training import loss
from weft.training.loss import cross_entropy, projected_cross_entropy

ROWS, WIDTH, VOCABULARY = 23, 7, 13


@pytest.fixture(params=[5, 23, 512], ids=lambda rows: f"{rows}-rows-at-a-time", autouse=True)
def _blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks that do not divide the rows, that are the rows, and that exceed them."""
    monkeypatch.setattr(loss, "ROWS", request.param)


def drawn(dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    states = torch.randn(ROWS, WIDTH, dtype=torch.float64, generator=generator).to(dtype).requires_grad_()
    table = torch.randn(VOCABULARY, WIDTH, dtype=torch.float64, generator=generator).to(dtype).requires_grad_()
    return states, table, torch.randint(VOCABULARY, (ROWS,), generator=generator)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
def test_smoothing_is_that_of_torch(smoothing: float) -> None:
    states, table, target = drawn()
    logits = states @ table.T
    found = cross_entropy(logits, target, smoothing)
    torch.testing.assert_close(
        found.smoothed, F.cross_entropy(logits, target, label_smoothing=smoothing, reduction="sum")
    )
    torch.testing.assert_close(found.likelihood, F.cross_entropy(logits, target, reduction="sum").detach())
    assert not found.likelihood.requires_grad


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
def test_projected_is_plain_with_all_gradients(smoothing: float) -> None:
    states, table, target = drawn()
    plain = cross_entropy(states @ table.T, target, smoothing)
    fused = projected_cross_entropy(states, table, target, smoothing, torch.float64)
    torch.testing.assert_close(fused.smoothed, plain.smoothed)
    torch.testing.assert_close(fused.likelihood, plain.likelihood)
    assert not fused.likelihood.requires_grad
    wanted = torch.autograd.grad(3.7 * plain.smoothed, (states, table))
    came = torch.autograd.grad(3.7 * fused.smoothed, (states, table))
    torch.testing.assert_close(came, wanted)


def test_gradients_are_those_of_finite_differences() -> None:
    states, table, target = drawn()

    def smoothed(states: Tensor, table: Tensor) -> Tensor:
        return projected_cross_entropy(states, table, target, 0.1, torch.float64).smoothed

    assert torch.autograd.gradcheck(smoothed, (states, table))


def test_large_logits_overflow_nowhere() -> None:
    states, table, target = drawn(torch.float32)
    fused = projected_cross_entropy(states * 1e4, table, target, 0.1, torch.float32)
    plain = cross_entropy((states * 1e4) @ table.T, target, 0.1)
    torch.testing.assert_close(fused.smoothed, plain.smoothed)
    assert all(grad.isfinite().all() for grad in torch.autograd.grad(fused.smoothed, (states, table)))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_close_and_returns_the_dtype_of_the_weights(dtype: torch.dtype) -> None:
    states, table, target = drawn(torch.float32)
    exact = projected_cross_entropy(states, table, target, 0.1, torch.float32)
    rough = projected_cross_entropy(states, table, target, 0.1, dtype)
    assert rough.smoothed.dtype is torch.float32
    torch.testing.assert_close(rough.smoothed, exact.smoothed, rtol=0.01, atol=0)
    wanted = torch.autograd.grad(exact.smoothed, (states, table))
    came = torch.autograd.grad(rough.smoothed, (states, table))
    for one, other in zip(came, wanted, strict=True):
        assert one.dtype is torch.float32
        assert (one - other).norm() < 0.02 * other.norm()


def test_states_of_autocast_get_their_gradient_in_their_own_dtype() -> None:
    states, table, target = drawn(torch.float32)
    half = states.detach().to(torch.bfloat16).requires_grad_()
    projected_cross_entropy(half, table, target, 0.1, torch.bfloat16).smoothed.backward()
    assert half.grad is not None
    assert half.grad.dtype is torch.bfloat16
    assert table.grad is not None
    assert table.grad.dtype is torch.float32
