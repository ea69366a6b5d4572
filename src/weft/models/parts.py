"""The small parts of models that encoder, decoder and what stands between them are all made of."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from weft.attention import Backend, Fused, Reference
from weft.layers.attention import Heads
from weft.layers.dropout import Dropout
from weft.layers.feedforward import FEEDFORWARDS
from weft.layers.norm import NORMS
from weft.layers.residual import Skip
from weft.models.config import ModelConfig

BACKENDS: dict[str, Callable[[float | None], Backend]] = {"fused": Fused, "reference": Reference}


def heads_of(config: ModelConfig) -> Heads:
    """How every attention of the decoder, or of an encoder with its own shape, is divided."""
    own = config.width // config.num_heads
    groups = config.num_groups or config.num_heads
    return Heads(config.num_heads, groups, config.key_width or own, config.value_width or own)


def skip(config: ModelConfig) -> Skip:
    """A residual path of its own, with fresh weights."""
    pre = config.norm_position == "pre"
    own = norm(config)
    return Skip(own if pre else nn.Identity(), Dropout(config.dropout), nn.Identity() if pre else own)


def norm(config: ModelConfig) -> nn.Module:
    """A norm of its own, as wide as the model."""
    return NORMS[config.norm](config.width, config.norm_epsilon)


def final_norm(config: ModelConfig) -> nn.Module:
    """The norm behind the last layer, which a model has whose layers begin with theirs."""
    return norm(config) if config.norm_position == "pre" else nn.Identity()


def feedforward(config: ModelConfig) -> nn.Module:
    """A feed-forward sub-layer of its own."""
    cls, activation = FEEDFORWARDS[config.activation]
    return cls(
        config.width,
        config.feedforward_width,
        activation=activation,
        dropout=config.feedforward_dropout,
        bias=config.bias,
    )
