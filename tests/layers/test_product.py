"""A product of many rows is the product of one, whichever way round it is done."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from weft.layers.bound import bound
from weft.layers.product import product

WIDTH, ROWS = 257, 263


def weights(bias: bool, dtype: torch.dtype = torch.float32) -> nn.Linear:
    return nn.Linear(WIDTH, ROWS, bias=bias, dtype=dtype)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(1,), (11,), (12,), (3, 5), (2, 3, 5), (48,), (7, 7), (0, 3)])
def test_it_is_the_product_for_any_number_of_rows(bias: bool, shape: tuple[int, ...]) -> None:
    linear, x = weights(bias), torch.randn(*shape, WIDTH)
    with torch.no_grad():
        found = product(linear.weight, linear.bias)(x)
        assert found.shape == (*shape, ROWS)
        torch.testing.assert_close(found, linear(x), atol=1e-5, rtol=1e-5)


def test_a_dozen_rows_are_multiplied_the_other_way_round_and_views_are_read_as_they_are() -> None:
    linear, x = weights(bias=True), torch.randn(5, 3, WIDTH).transpose(0, 1)
    with torch.no_grad():
        function = product(linear.weight, linear.bias)
        assert not function(x).is_contiguous()
        assert function(x[:1]).is_contiguous()
        torch.testing.assert_close(function(x), linear(x), atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(function(function(x)[..., :WIDTH]), linear(linear(x)[..., :WIDTH]))


def test_few_weights_other_numbers_and_gradients_keep_to_the_one_way() -> None:
    double, small = weights(bias=True, dtype=torch.float64), nn.Linear(WIDTH, 11)
    with torch.no_grad():
        assert product(small.weight, small.bias)(torch.randn(13, WIDTH)).is_contiguous()
        assert product(double.weight, double.bias)(torch.randn(13, WIDTH).double()).is_contiguous()
    linear = weights(bias=True)
    found = product(linear.weight, linear.bias)(torch.randn(13, WIDTH))
    assert found.is_contiguous()
    found.sum().backward()
    torch.testing.assert_close(linear.bias.grad, torch.full((ROWS,), 13.0))


def test_what_is_written_into_the_weights_shows() -> None:
    linear = weights(bias=True)
    with torch.no_grad():
        function = bound(linear)
        linear.weight.zero_()
        linear.bias.fill_(3.0)
        assert torch.equal(function(torch.randn(13, WIDTH)), torch.full((13, ROWS), 3.0))
