"""The resampler that a configuration asks for, between an encoder and whoever reads it."""

from __future__ import annotations

from torch import nn

from weft.layers.attention import CrossAttention
from weft.layers.length_scaling import Unscaled
from weft.layers.null import NoNull
from weft.layers.resampler import Gathering, Resampler, ResamplerLayer
from weft.layers.residual import Residual
from weft.models.config import ModelConfig
from weft.models.parts import BACKENDS, feedforward, final_norm, heads_of, skip
from weft.models.source import Picture


def resampler(config: ModelConfig, site: str) -> nn.Module | None:
    """Latents as wide as the encoder, called so in records; None where its states are read as they are."""
    source = config.source
    if not isinstance(source, Picture) or source.resampler is None:
        return None
    shape = source.resampler
    layers = [_layer(config, f"{site}.resampler.{number}.latents_to_source") for number in range(shape.layers)]
    return Resampler(config.width, shape.latents, layers, final_norm(config))


def _layer(config: ModelConfig, site: str) -> ResamplerLayer:
    cross = CrossAttention(
        config.width,
        heads_of(config),
        memory_width=config.width,
        backend=BACKENDS[config.backend](config.attention_scale),
        dropout=config.attention_dropout,
        site=site,
        null=NoNull(),
        length_scaling=Unscaled(),
        bias=config.bias,
    )
    return ResamplerLayer(Residual(Gathering(cross), skip(config)), Residual(feedforward(config), skip(config)))
