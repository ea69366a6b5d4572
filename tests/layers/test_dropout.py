"""Dropout: its rate, its scale, its seed, and its gradient."""

from __future__ import annotations

import pytest
import torch

from weft.base.errors import ConfigError
from weft.layers.dropout import Dropout

DTYPES = [torch.float64, torch.float32, torch.bfloat16]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5, 0.75])
def test_the_rate_is_honoured_and_the_mean_is_kept(rate, dtype):
    torch.default_generator.manual_seed(5)
    y = Dropout(rate)(torch.ones(400_003, dtype=dtype))
    assert y.dtype is dtype
    assert (y == 0).double().mean() == pytest.approx(round(rate * 256) / 256, abs=0.004)
    scale = 256 / (256 - round(rate * 256))
    assert y[y != 0].unique().tolist() == [torch.tensor(scale, dtype=dtype).item()]


def test_the_mean_is_kept_in_bfloat16_beyond_the_rounding_of_the_scale():
    """A scale of 256/230 rounded to bfloat16 would make everything 0.37 % larger."""
    torch.default_generator.manual_seed(5)
    x = torch.rand(2_000_003).add(1).bfloat16()
    y = Dropout(0.1)(x)
    kept = y != 0
    assert y[kept].double().sum() / x[kept].double().sum() == pytest.approx(256 / 230, rel=2e-4)


@pytest.mark.parametrize("rate", [0.001, 0.999])
def test_rates_at_the_ends_neither_vanish_nor_divide_by_zero(rate):
    torch.default_generator.manual_seed(5)
    y = Dropout(rate)(torch.ones(100_003))
    assert 0 < (y == 0).double().mean() < 1
    assert y.isfinite().all()


@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (1,), (7,), (2, 3, 5)])
def test_any_shape(shape):
    assert Dropout(0.5)(torch.ones(shape)).shape == shape


def test_evaluation_and_rate_zero_are_the_identity():
    x = torch.randn(2, 3)
    assert Dropout(0.5).eval()(x) is x
    assert Dropout(0.0)(x) is x


def test_the_seed_is_torch_s():
    dropout, x = Dropout(0.5), torch.ones(97)
    torch.default_generator.manual_seed(7)
    first, second = dropout(x), dropout(x)
    torch.default_generator.manual_seed(7)
    assert torch.equal(dropout(x), first)
    assert not torch.equal(first, second)


def test_the_gradient_passes_where_the_value_did():
    x = torch.randn(101, dtype=torch.float64, requires_grad=True)
    y = Dropout(0.5)(x)
    y.sum().backward()
    torch.testing.assert_close(x.grad, torch.where(y == 0, 0.0, 2.0).double())


def test_neighbours_are_independent():
    """Eight values share one draw of 64 bits; their bytes must not."""
    torch.default_generator.manual_seed(3)
    dropped = (Dropout(0.5)(torch.ones(80_000)) == 0).double().view(-1, 8)
    correlation = torch.corrcoef(dropped.T) - torch.eye(8)
    assert correlation.abs().max() < 0.05


@pytest.mark.parametrize("rate", [-0.1, 1.0, 1.5])
def test_impossible_rates_are_refused(rate):
    with pytest.raises(ConfigError, match=f"dropout must be at least 0 and below 1, got {rate}"):
        Dropout(rate)


def test_it_prints_its_rate():
    assert str(Dropout(0.1)) == "Dropout(rate=0.1)"
