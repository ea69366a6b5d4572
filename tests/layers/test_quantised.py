"""Layers in bytes: close to what they were made from, whichever kernel multiplies, and clear about where they end."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from weft.base.errors import DataError, UnsupportedError
from weft.layers.quantised import QuantisedLinear, QuantisedTable, quantise

FEW, MANY = (2, 3), (7, 11)
"""Rows that are multiplied by one kernel, and by the other."""


def linear(bias: bool = True) -> nn.Linear:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return nn.Linear(24, 37, bias=bias)


@pytest.mark.parametrize("rows", [FEW, MANY, (1, 1)])
@pytest.mark.parametrize("bias", [True, False])
def test_a_layer_in_bytes_is_close(rows: tuple[int, int], bias: bool) -> None:
    whole = linear(bias)
    x = torch.randn(*rows, 24, generator=torch.Generator().manual_seed(5))
    close = QuantisedLinear(whole)(x)
    assert close.shape == (*rows, 37)
    assert close.dtype is torch.float32
    assert (close - whole(x)).norm() < 0.03 * whole(x).norm()


def test_both_kernels_compute_the_same() -> None:
    layer = QuantisedLinear(linear())
    x = torch.randn(*MANY, 24, generator=torch.Generator().manual_seed(7))
    (least, most), whole = x.aminmax(), layer(x)
    for row in range(7):  # with both extremes beside it, a row is quantised as in the whole
        beside = torch.stack([x[row, 0], least.expand(24), most.expand(24)])
        torch.testing.assert_close(layer(beside)[0], whole[row, 0], atol=1e-5, rtol=0)


def test_by_way_of_a_script_it_is_the_operation_of_torch() -> None:
    layer, x = QuantisedLinear(linear()), torch.randn(2, 3, 24, generator=torch.Generator().manual_seed(5))
    reduce_range = not torch.cpu._is_vnni_supported()
    assert torch.equal(layer(x), torch.ops.quantized.linear_dynamic(x, layer._few, reduce_range))


def test_zeros_give_the_bias_and_views_are_read_as_they_are() -> None:
    whole = linear()
    layer = QuantisedLinear(whole)
    torch.testing.assert_close(layer(torch.zeros(1, 2, 24)), whole.bias.expand(1, 2, 37), atol=1e-6, rtol=0)
    x = torch.randn(3, 5, 24, generator=torch.Generator().manual_seed(7)).transpose(0, 1)
    assert torch.equal(layer(x), layer(x.contiguous()))


def test_the_weight_is_what_it_computes_with() -> None:
    whole = linear()
    weight, (rows, scale) = QuantisedLinear(whole).weight, quantise(whole.weight.detach())
    torch.testing.assert_close(weight, rows * scale[:, None], atol=1e-7, rtol=1e-6)
    assert ((weight - whole.weight).abs() <= 0.5001 * scale[:, None]).all()


def test_a_table_in_bytes_is_close() -> None:
    table = nn.Embedding(13, 11)
    ids = torch.tensor([[1, 12, 0], [5, 5, 7]])
    found, (_, scale) = QuantisedTable(table)(ids), quantise(table.weight.detach())
    assert ((found - table(ids)).abs() <= 0.5001 * scale[ids][..., None]).all()


def test_packing_leaves_the_engine_of_the_process_alone() -> None:
    before = torch.backends.quantized.engine
    QuantisedLinear(linear())
    assert torch.backends.quantized.engine == before


def test_weights_that_are_no_numbers_are_refused() -> None:
    broken = linear()
    broken.weight.data[5, 3] = torch.nan
    with pytest.raises(DataError, match="int8 wants finite weights, got NaN or infinity; train or fetch the model"):
        QuantisedLinear(broken)


def test_a_processor_without_an_engine_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weft.layers.quantised.engines", lambda: ("qnnpack",))
    with pytest.raises(UnsupportedError, match=r"int8 wants a torch with FBGEMM .* got one with qnnpack; load the mod"):
        QuantisedLinear(linear())


def test_without_the_instructions_for_bytes_one_kernel_does_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cpu._is_vnni_supported", lambda: False)
    whole = linear()
    x = torch.randn(*MANY, 24, generator=torch.Generator().manual_seed(5))
    layer = QuantisedLinear(whole)
    assert (layer(x) - whole(x)).norm() < 0.05 * whole(x).norm()
    assert torch.equal(layer(x[:1]), layer(x[:1].clone()))
