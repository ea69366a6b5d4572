"""Modules as plain functions, for steps so short that finding a weight takes as long as using it.

A step of one token calls every layer for a few microseconds of work. What a module would find out at each call (its
weights, which parts are absent, whether it trains) a bound function has found out once, and `forward` is that function,
bound and called: there is one way through a layer, not a fast one and a slow one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import cast

import torch
import torch.nn.functional as F
from torch import nn

from weft.base.shapes import Tensor
from weft.layers.product import product

Function = Callable[..., Tensor]


class Bindable(nn.Module, ABC):
    """A module that knows its own function."""

    @abstractmethod
    def bind(self) -> Function:
        """`forward`, good for as long as the module keeps its parameters, its parts and its mode.

        It reads the parameters themselves, not copies: what is written into them shows.
        """


def bound(module: nn.Module) -> Function:
    """What a module does, as a function; a module of a kind that nobody knows here stays as it is."""
    known = _OF_TORCH.get(type(module))
    if known is not None:
        return known(module)
    return module.bind() if isinstance(module, Bindable) else module


def same(x: Tensor) -> Tensor:
    return x


def _linear(module: nn.Module) -> Function:
    linear = cast(nn.Linear, module)
    return product(linear.weight, linear.bias)


def _embedding(module: nn.Module) -> Function:
    table = cast(nn.Embedding, module)
    weight, padding = table.weight, table.padding_idx
    return lambda ids: F.embedding(ids, weight, padding)


def _layer_norm(module: nn.Module) -> Function:
    norm = cast(nn.LayerNorm, module)
    shape, weight, bias, epsilon = norm.normalized_shape, norm.weight, norm.bias, norm.eps
    return lambda x: torch.layer_norm(x, shape, weight, bias, epsilon)


_OF_TORCH: dict[type[nn.Module], Callable[[nn.Module], Function]] = {
    nn.Identity: lambda _: same,
    nn.Linear: _linear,
    nn.Embedding: _embedding,
    nn.LayerNorm: _layer_norm,
}
