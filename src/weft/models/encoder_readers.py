"""The one table of how encoders look at their positions: names of the configuration to attention back ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from torch import nn

from weft.attention import Backend
from weft.attention.by_pattern import ByPattern
from weft.attention.patterns import Around, Blocks, Pattern
from weft.base.errors import ConfigError, UnsupportedError
from weft.layers.attention import SelfAttention
from weft.models.config import ModelConfig
from weft.models.encoder_decoder import EncoderDecoder
from weft.models.encoder_reading import EncoderAttention, EncoderReading
from weft.models.parts import BACKENDS

PATTERNS: dict[str, Callable[[EncoderReading], Pattern]] = {
    "local": lambda told: Around(told.window, told.global_tokens),
    "blocks": lambda told: Blocks(told.block, told.near, told.global_blocks, told.drawn),
}
"""Everything but dense, which is the configured back end."""


def encoder_backend(config: ModelConfig, layer: int) -> Backend:
    """The back end by which a layer of this model's encoder looks at its positions."""
    names = config.encoder_attention
    name: EncoderAttention = names if isinstance(names, str) else names[layer]
    if name == "dense":
        return BACKENDS[config.backend](config.attention_scale)
    return ByPattern(config.attention_scale, pattern=PATTERNS[name](config.encoder_reading))


def look_around(model: nn.Module, config: ModelConfig, window: int) -> None:
    """Makes the encoder of a model that saw everything see `window` positions before and after each, and no more.

    Raises ConfigError for a window that is none, and UnsupportedError for a model without such an encoder, one that was
    trained with a pattern of its own, and one whose scores want a bias for every pair of positions.
    """
    if window < 0:
        raise ConfigError(f"an encoder's window wants at least 0 positions on each side, got {window}; 128 serves most")
    if not isinstance(model, EncoderDecoder):
        raise UnsupportedError(
            f"an encoder's window wants a Transformer that reads one source, got kind {config.kind}"
            f"{' of several sources' if config.sources else ''}; leave the window out"
        )
    if config.encoder_attention != "dense":
        raise UnsupportedError(
            f"this model's encoder was trained with {config.encoder_attention} attention and keeps to it, got a window "
            f"of {window}; leave the window out"
        )
    if config.position == "relative":
        raise UnsupportedError(
            "an encoder's window forms no scores of all pairs, which this model's relative positions are added to; "
            "leave the window out, and translate as a document in chunks"
        )
    for layer in model.encoder.layers:
        attention = cast(SelfAttention, layer.get_submodule("attention.sublayer"))
        attention.backend = ByPattern(config.of_encoder().attention_scale, pattern=Around(window))
