"""Weights as whole numbers of eight bits with a scale for each row: linear layers and tables of vectors.

Activations are quantised as they come, all of a call with one scale, so what a row gives depends a little on the rows
beside it. Products are exact sums of whole numbers.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from weft.base.errors import DataError, UnsupportedError
from weft.base.shapes import Float, Int, Tensor
from weft.layers.bound import Bindable, Function

_FEW_ROWS, _MANY_ROWS = "fbgemm", "onednn"
"""torch's engines: FBGEMM is the faster one for few rows, oneDNN for many where the processor has instructions."""
_MANY = 24


def quantise(matrix: Float[Tensor, "r d"]) -> tuple[Int[Tensor, "r d"], Float[Tensor, " r"]]:
    """Bytes in [-127, 127] and the scale of each row, with `bytes * scale` within half a scale of the matrix."""
    scale = matrix.float().abs().amax(1) / 127
    scale = torch.where(scale > 0, scale, 1.0)
    return (matrix.float() / scale[:, None]).round().to(torch.int8), scale


def engines() -> tuple[str, ...]:
    """What multiplies bytes in this torch on this processor."""
    return tuple(torch.backends.quantized.supported_engines)


def check_engine() -> None:
    """Raises UnsupportedError where this torch cannot multiply bytes."""
    if _FEW_ROWS not in engines():
        raise UnsupportedError(
            f"int8 wants a torch with FBGEMM (processors of the x86-64 family), got one with {', '.join(engines())}; "
            "load the model in float32 or bfloat16"
        )


class QuantisedLinear(Bindable):
    """x W^T + b like `nn.Linear`, in float32, with W in bytes packed for the kernels that multiply them."""

    bias: Float[Tensor, " r"] | None

    def __init__(self, linear: nn.Linear) -> None:
        """Raises UnsupportedError where nothing multiplies bytes, DataError for weights that are not finite."""
        super().__init__()
        check_engine()
        self.in_features, self.out_features = linear.in_features, linear.out_features
        rows, scale = _checked(linear.weight.detach())
        bias = None if linear.bias is None else linear.bias.detach().float()
        self.register_buffer("bias", bias)
        # With its own instructions a sum of two products cannot overflow, and activations may use all eight bits.
        self._whole_range = torch.cpu._is_vnni_supported()
        many = self._whole_range and _MANY_ROWS in engines()
        self._few = _packed(rows, scale, bias, engine=_FEW_ROWS)
        self._many = _packed(rows, scale, bias, engine=_MANY_ROWS) if many else self._few

    @property
    def num_packings(self) -> int:
        """How often its bytes are in memory: once for each kernel."""
        return 1 if self._many is self._few else 2

    @property
    def weight(self) -> Float[Tensor, "r d"]:
        """The weights that it computes with, as numbers again; made anew at each call."""
        weight, _ = self._few.unpack()
        return weight.dequantize()

    def packing(self, rows: int) -> tuple[Any, bool]:
        """What `linear_dynamic` takes behind so many rows: packed weights, and whether activations spare a bit."""
        return self._few if rows < _MANY else self._many, not self._whole_range

    def bind(self) -> Function:
        product, reduce_range = _product(), not self._whole_range
        few, many, enough = self._few, self._many, _MANY * self.in_features
        return lambda x: product(x, few if x.numel() < enough else many, reduce_range)

    def forward(self, x: Float[Tensor, "*b d"]) -> Float[Tensor, "*b r"]:
        return self.bind()(x)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}"


class QuantisedTable(Bindable):
    """The vector of each id, like `nn.Embedding`, from a table in bytes."""

    rows: Int[Tensor, "w d"]
    scale: Float[Tensor, "w 1"]

    def __init__(self, table: nn.Embedding) -> None:
        super().__init__()
        rows, scale = _checked(table.weight.detach())
        self.register_buffer("rows", rows)
        self.register_buffer("scale", scale[:, None])

    def bind(self) -> Function:
        rows, scale = self.rows, self.scale
        return lambda ids: F.embedding(ids, rows) * F.embedding(ids, scale)

    def forward(self, ids: Int[Tensor, "*b"]) -> Float[Tensor, "*b d"]:
        return self.bind()(ids)


PACKED = "__torch__.torch.classes.quantized.LinearPackedParamsBase"
"""The name of packed weights in TorchScript."""
_PRODUCT = f"""
def product(x, packed: {PACKED}, reduce_range: bool):
    return torch.ops.quantized.linear_dynamic(x, packed, reduce_range)
"""


@cache
def _product() -> Callable[[Tensor, Any, bool], Tensor]:
    """x, packed weights, reduce_range -> x W^T + b.

    By way of TorchScript: called from Python, `linear_dynamic` looks for fakes among its arguments first, for 10 us,
    twice as long as the rest of the call and as the product of a row with a matrix of 256 x 256 (torch 2.13).
    """
    product: Callable[[Tensor, Any, bool], Tensor] = torch.jit.CompilationUnit(_PRODUCT).product
    return product


def _checked(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """The matrix quantised: bytes have no NaN, so it must show here or never."""
    if not bool(matrix.isfinite().all()):
        raise DataError("int8 wants finite weights, got NaN or infinity; train or fetch the model again")
    return quantise(matrix)


def _packed(rows: Tensor, scale: Tensor, bias: Tensor | None, *, engine: str) -> Any:
    """What `linear_dynamic` multiplies with: the engine is that of the moment of packing, and kept inside."""
    with _packing_for(engine), warnings.catch_warnings():
        # torch 2.13 wants to be rid of quantised tensors, but has no other way to these kernels; weft wants < 2.14.
        warnings.simplefilter("ignore", UserWarning)
        zeros = torch.zeros(len(rows), dtype=torch.long)
        weight = torch._make_per_channel_quantized_tensor(rows, scale.double(), zeros, 0)
        return torch.ops.quantized.linear_prepack(weight, bias)


@contextmanager
def _packing_for(engine: str) -> Iterator[None]:
    before = torch.backends.quantized.engine
    torch.backends.quantized.engine = engine
    try:
        yield
    finally:
        torch.backends.quantized.engine = before
