"""A packed product is the product, where it pays; elsewhere the layer is left as it is."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from weft.layers.packed import packed

WIDTH, ROWS = 257, 4099  # more than 2 ** 20 weights


def weights(function) -> torch.Tensor:
    """Those that a function multiplies with."""
    return next(
        cell.cell_contents
        for cell in function.__closure__
        if isinstance(cell.cell_contents, torch.Tensor) and cell.cell_contents.dim() == 2
    )


@pytest.fixture(scope="module")
def linear() -> nn.Linear:
    return nn.Linear(WIDTH, ROWS)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("rows", [3, 5, 32])
def test_it_is_the_same_product(bias, rows):
    module, x = nn.Linear(WIDTH, ROWS, bias=bias), torch.randn(1, rows, WIDTH)
    with torch.no_grad():
        function = packed(module, rows=rows)
        assert weights(function) is not module.weight
        torch.testing.assert_close(function(x), module(x), atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(function(x[:, :1]), module(x[:, :1]), atol=1e-5, rtol=1e-5)


def test_few_rows_are_not_worth_a_copy(linear):
    with torch.no_grad():
        assert weights(packed(linear, rows=2)) is linear.weight


def test_a_copy_is_made_once_and_again_when_the_weights_have_been_written():
    module, x = nn.Linear(WIDTH, ROWS), torch.randn(1, 5, WIDTH)
    with torch.no_grad():
        first = packed(module, rows=5)
        assert weights(packed(module, rows=128)) is weights(first)
        module.weight.mul_(-1)
        torch.testing.assert_close(packed(module, rows=5)(x), module(x), atol=1e-5, rtol=1e-5)
        module.weight = nn.Parameter(torch.randn(ROWS, WIDTH))
        torch.testing.assert_close(packed(module, rows=5)(x), module(x), atol=1e-4, rtol=1e-5)


def test_a_copy_is_no_part_of_the_layer():
    module = nn.Linear(WIDTH, ROWS)
    with torch.no_grad():
        packed(module, rows=5)
    assert torch.equal(copy.deepcopy(module).weight, module.weight)
    assert set(module.state_dict()) == {"weight", "bias"}


def test_what_is_small_or_not_float32_is_left_alone():
    with torch.no_grad():
        for module in (nn.Linear(7, 11), nn.Linear(WIDTH, ROWS, dtype=torch.bfloat16)):
            assert weights(packed(module, rows=5)) is module.weight


def test_gradients_pass_where_they_are_wanted(linear):
    function = packed(linear, rows=5)
    function(torch.randn(1, 5, WIDTH)).sum().backward()
    assert linear.weight.grad is not None
