"""Parts of a layer written out as one function of TorchScript, which asks for each operation without Python.

A step of one token asks for some thirty operations of a layer, and from Python each takes about as long to be asked for
as to be done. What is written here are the same operations on the same weights, in the same order: the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, cast

import torch
from torch import nn

from weft.layers.dropout import Dropout
from weft.layers.feedforward import FEEDFORWARDS, FeedForward, GatedFeedForward
from weft.layers.product import column_by_column
from weft.layers.quantised import PACKED, QuantisedLinear, QuantisedTable

_NAMES_OF_TORCH = {
    "relu": "torch.relu_({})",
    "gelu": "torch._C._nn.gelu({})",
    "gelu_tanh": "torch._C._nn.gelu({}, approximate='tanh')",
    "silu": "torch._C._nn.silu({})",
    "reglu": "torch.relu({})",
    "geglu": "torch._C._nn.gelu({})",
    "geglu_tanh": "torch._C._nn.gelu({}, approximate='tanh')",
    "swiglu": "torch._C._nn.silu({})",
}
_ACTIVATIONS = {FEEDFORWARDS[name][1]: written for name, written in _NAMES_OF_TORCH.items()}


class UnknownPartError(Exception):
    """A part that nobody has written down here."""


class Script:
    """A function under way: its lines, and the weights that it takes behind its own arguments.

    It will be called with `rows` vectors.
    """

    def __init__(self, name: str, arguments: str, rows: int) -> None:
        self.rows = rows
        self._name, self._signature = name, [arguments]
        self._lines: list[str] = []
        self._weights: list[object] = []

    def takes(self, weight: object, kind: str = "Tensor") -> str:
        """The name under which the function knows a weight: a parameter itself, not a copy of it."""
        if isinstance(weight, torch.Tensor) and weight.device.type != "cpu":
            raise UnknownPartError(f"weights on {weight.device}")
        name = f"w{len(self._weights)}"
        self._signature.append(f"{name}: {kind}")
        self._weights.append(weight)
        return name

    def let(self, expression: str) -> str:
        """The name of what an expression gives."""
        name = f"x{len(self._lines)}"
        self._lines.append(f"{name} = {expression}")
        return name

    def then(self, statement: str) -> None:
        self._lines.append(statement)

    def part(self, module: nn.Module, x: str) -> str:
        """The name of what a module makes of x. Raises UnknownPartError, and for whatever is in training."""
        write = _WRITERS.get(type(module))
        if write is None or module.training:
            raise UnknownPartError(type(module).__name__)
        return write(self, module, x)

    def returning(self, *names: str) -> Callable[..., Any]:
        """The function; what it is given is followed by the weights."""
        body = "\n    ".join((*self._lines, f"return {', '.join(names)}"))
        text = f"def {self._name}({', '.join(self._signature)}):\n    {body}\n"
        function, weights = getattr(_compiled(text), self._name), tuple(self._weights)

        def call(*given: object) -> Any:
            # There is nothing to make better in it, and looking for that takes longer than a short search.
            with torch.jit.optimized_execution(False):  # type: ignore[attr-defined]
                return function(*given, *weights)

        return call


@cache
def _compiled(text: str) -> Any:
    """Layers that differ in nothing but their weights are one function."""
    return torch.jit.CompilationUnit(text)


def _embedding(script: Script, module: nn.Module, ids: str) -> str:
    return script.let(f"torch.embedding({script.takes(cast(nn.Embedding, module).weight)}, {ids})")


def _table_in_bytes(script: Script, module: nn.Module, ids: str) -> str:
    table = cast(QuantisedTable, module)
    rows, scale = (script.let(f"torch.embedding({script.takes(each)}, {ids})") for each in (table.rows, table.scale))
    return script.let(f"{rows} * {scale}")


def _identity(script: Script, module: nn.Module, x: str) -> str:
    return x


def _layer_norm(script: Script, module: nn.Module, x: str) -> str:
    norm = cast(nn.LayerNorm, module)
    weight, bias = (_optional(script, each) for each in (norm.weight, norm.bias))
    return script.let(f"torch.layer_norm({x}, {list(norm.normalized_shape)}, {weight}, {bias}, {norm.eps!r})")


def _rms_norm(script: Script, module: nn.Module, x: str) -> str:
    norm = cast(nn.RMSNorm, module)
    return script.let(
        f"torch.rms_norm({x}, {list(norm.normalized_shape)}, {_optional(script, norm.weight)}, {norm.eps!r})"
    )


def _linear(script: Script, module: nn.Module, x: str) -> str:
    linear = cast(nn.Linear, module)
    weight, bias = script.takes(linear.weight), _optional(script, linear.bias)
    if not column_by_column(linear.weight, rows=script.rows):
        return script.let(f"torch._C._nn.linear({x}, {weight}, {bias})")
    x_dm = f"{x}.reshape(-1, {linear.in_features}).t()"
    y_rm = f"mm({weight}, {x_dm})" if linear.bias is None else f"addmm({bias}.unsqueeze(1), {weight}, {x_dm})"
    return script.let(f"torch.{y_rm}.t().view({x}.shape[:-1] + [-1])")


def _bytes(script: Script, module: nn.Module, x: str) -> str:
    packing, reduce_range = cast(QuantisedLinear, module).packing(script.rows)
    return script.let(f"torch.ops.quantized.linear_dynamic({x}, {script.takes(packing, PACKED)}, {reduce_range})")


def _feedforward(script: Script, module: nn.Module, x: str) -> str:
    feed = cast(FeedForward, module)
    active = script.let(_activation(feed).format(script.part(feed.inner, x)))
    return script.part(feed.outer, script.part(feed.dropout, active))


def _gated(script: Script, module: nn.Module, x: str) -> str:
    feed = cast(GatedFeedForward, module)
    both = script.part(feed.inner, x)
    gate, value = script.let(f"{both}.chunk(2, -1)[0]"), script.let(f"{both}.chunk(2, -1)[1]")
    active = script.let(f"{_activation(feed).format(gate)} * {value}")
    return script.part(feed.outer, script.part(feed.dropout, active))


def _activation(feed: FeedForward | GatedFeedForward) -> str:
    written = _ACTIVATIONS.get(feed.activation)
    if written is None:
        raise UnknownPartError(str(feed.activation))
    return written


def _optional(script: Script, weight: torch.Tensor | None) -> str:
    return "None" if weight is None else script.takes(weight)


_WRITERS: dict[type[nn.Module], Callable[[Script, nn.Module, str], str]] = {
    nn.Embedding: _embedding,
    QuantisedTable: _table_in_bytes,
    nn.Identity: _identity,
    Dropout: _identity,
    nn.LayerNorm: _layer_norm,
    nn.RMSNorm: _rms_norm,
    nn.Linear: _linear,
    QuantisedLinear: _bytes,
    FeedForward: _feedforward,
    GatedFeedForward: _gated,
}
