"""Positions: the formulas of the papers, and that nothing rounds a whole number."""

from __future__ import annotations

import math

import pytest
import torch

from weft.base.errors import ShapeError
from weft.layers.bound import bound
from weft.layers.position import EvenlySpaced, Learned, NoPosition, NoRotation, Rotary, Sinusoidal


@pytest.mark.parametrize("width", [6, 7])
def test_sinusoidal_is_the_formula(width):
    table = Sinusoidal(width)(torch.tensor([0, 3, 1000]))
    half = (width + 1) // 2
    for row, position in zip(table.tolist(), (0, 3, 1000), strict=True):
        angles = [position / 10000 ** (2 * i / width) for i in range(half)]
        wanted = [math.sin(angle) for angle in angles] + [math.cos(angle) for angle in angles]
        assert row == pytest.approx(wanted[:width], abs=2e-4)


def test_rotary_is_the_rotation_of_pairs():
    x, position = torch.randn(1, 1, 1, 6), 3
    turned = Rotary(6)(x, torch.tensor([position])).flatten()
    for i in range(3):
        angle = position * 10000 ** (-2 * i / 6)
        left, right = x.flatten()[i].item(), x.flatten()[i + 3].item()
        assert turned[i].item() == pytest.approx(left * math.cos(angle) - right * math.sin(angle), abs=1e-5)
        assert turned[i + 3].item() == pytest.approx(right * math.cos(angle) + left * math.sin(angle), abs=1e-5)


def test_rotated_products_depend_on_distance_alone():
    torch.default_generator.manual_seed(1)
    rotary, q, k = Rotary(8), torch.randn(1, 1, 1, 8), torch.randn(1, 1, 1, 8)

    def product(at: int, other: int) -> float:
        return (rotary(q, torch.tensor([at])) * rotary(k, torch.tensor([other]))).sum().item()

    assert product(5, 2) == pytest.approx(product(105, 102), abs=1e-4)
    assert rotary(q, torch.tensor([9])).norm().item() == pytest.approx(q.norm().item(), abs=1e-5)
    assert product(5, 2) != pytest.approx(product(2, 5), abs=1e-2)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_low_precision_tells_far_positions_apart(dtype):
    """257 is 256 in bfloat16; a position must be whole until its sine is taken."""
    positions = torch.tensor([256, 257, 258])
    plain = Sinusoidal(8)(positions)
    assert torch.equal(Sinusoidal(8).to(dtype)(positions), plain)
    x = torch.ones(1, 1, 3, 8)
    low = Rotary(8).to(dtype)(x.to(dtype), positions)
    torch.testing.assert_close(low.float(), Rotary(8)(x, positions), atol=0.02, rtol=0)


def test_positions_survive_the_meta_device():
    with torch.device("meta"):
        modules = Sinusoidal(6), Rotary(6)
    assert torch.equal(modules[0].to_empty(device="cpu")(torch.arange(5)), Sinusoidal(6)(torch.arange(5)))
    x = torch.randn(1, 1, 5, 6)
    assert torch.equal(modules[1].to_empty(device="cpu")(x, torch.arange(5)), Rotary(6)(x, torch.arange(5)))


def test_absent_positions_change_nothing():
    x = torch.randn(2, 3, 5, 7)
    assert NoRotation()(x, torch.arange(5)) is x
    assert torch.equal(x + NoPosition()(torch.arange(5)), x)


def test_learned_positions_end():
    table = Learned(6, 5)
    assert table(torch.arange(5)).shape == (5, 6)
    assert table(torch.arange(0)).shape == (0, 6)
    with pytest.raises(ShapeError, match="end at 5, got position 5; split the text, or use sinusoidal or rotary"):
        table(torch.arange(6))


def test_rotary_wants_pairs():
    with pytest.raises(ShapeError, match="rotary positions want an even key width, got 7"):
        Rotary(7)


@pytest.mark.parametrize("kind", [Sinusoidal, EvenlySpaced])
def test_positions_one_by_one_are_those_of_all_at_once(kind):
    module = kind(7, offset=2)
    step, wanted = bound(module), module(torch.arange(131))
    for position in (0, 1, 63, 64, 130, 5):
        torch.testing.assert_close(step(torch.tensor([position])), wanted[position, None], atol=1e-6, rtol=0)
    torch.testing.assert_close(step(torch.arange(131)), wanted, atol=0, rtol=0)
