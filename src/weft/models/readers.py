"""The one table of how sources are read: names of the configuration to attention back ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from torch import nn

from weft.attention import Backend, ByLength, Chunked, Moving, Pages, Tally, TopK
from weft.attention.by_length import CROSSOVER
from weft.attention.features import Favor
from weft.attention.linear import Linear
from weft.attention.pooled import Pooled
from weft.base.errors import ConfigError, UnsupportedError
from weft.layers.attention import CrossAttention
from weft.layers.length_scaling import LearnedLogLength, LogLength, Unscaled
from weft.models.config import ModelConfig
from weft.models.encoder_decoder import EncoderDecoder
from weft.models.parts import BACKENDS, heads_of
from weft.models.reading import SHARED, TRAINED, UNTRAINED, Attention, Reading

Reader = Callable[[float | None, Reading, Tally], Backend]


def _pages(scale: float | None, told: Reading, tally: Tally) -> Pages:
    return Pages(scale, tolerance=told.tolerance, page=told.page, pages=told.pages, tally=tally)


def _window(scale: float | None, told: Reading, tally: Tally) -> Moving:
    return Moving(scale, width=told.width, head=told.head, keep=told.keep, tally=tally)


READERS: dict[str, Reader] = {
    "chunked": lambda scale, told, _: Chunked(scale, chunk=told.chunk, numbers=told.numbers),
    "pages": _pages,
    "top-k": lambda scale, told, tally: TopK(scale, num=told.num, tally=tally),
    "top-k-shared": lambda scale, told, tally: TopK(scale, num=told.num, tally=tally),
    "window": _window,
    "auto": lambda scale, told, tally: ByLength(_pages(scale, told, tally), crossover=told.crossover or CROSSOVER),
    "linear": lambda scale, _told, _tally: Linear(scale),
    "favor": lambda scale, told, _: Linear(scale, features=Favor(told.features)),
    "pooled": lambda scale, told, _: Pooled(scale, stride=told.stride, refine=told.refine),
}
"""Everything but dense, which is the configured back end."""


def reader(config: ModelConfig, name: Attention, tally: Tally | None = None) -> Backend:
    """The back end by which a decoder layer of this model reads a source."""
    if name == "dense":
        return BACKENDS[config.backend](config.attention_scale)
    scale = config.attention_scale
    if name in SHARED and scale is None:  # queries of states are as wide as those, and scaled by what they were
        scale = heads_of(config).key_width ** -0.5
    return READERS[name](scale, config.reading, tally or Tally())


def length_scaling(config: ModelConfig) -> nn.Module:
    """What the keys of this model's sources are multiplied by, as their length wants it."""
    return LENGTH_SCALINGS[config.reading.length_scaling](config)


LENGTH_SCALINGS: dict[str, Callable[[ModelConfig], nn.Module]] = {
    "none": lambda _: Unscaled(),
    "log": lambda config: LogLength(config.reading.trained_length),
    "learned": lambda config: LearnedLogLength(heads_of(config).num_groups, config.reading.trained_length),
}


def told_of(attention: str | Sequence[str] | None, tolerance: float | None, told: Reading | None) -> Reading:
    """What attention is told, with a tolerance of its own. Raises ConfigError for one that nobody would honour."""
    if told is not None and attention is None:
        raise ConfigError(f"a reading wants attention, got none for {told}; name one, 'dense' for every key")
    if tolerance is None:
        return told or Reading()
    names = {attention} if isinstance(attention, str) else set(attention or ())
    if not names & {"pages", "auto"}:
        raise ConfigError(f"a tolerance wants attention 'pages' or 'auto', got {attention}; name one, or leave it out")
    if not 0 <= tolerance < 1:
        raise ConfigError(f"tolerance must be a share of the weight, from 0 to below 1, got {tolerance}; try 0.001")
    return (told or Reading()).model_copy(update={"tolerance": tolerance})


def read_by(model: nn.Module, config: ModelConfig, attention: str | Sequence[str], told: Reading) -> Tally:
    """Makes a model read its sources in another way that needs no training; answers what counts what it will do.

    `attention` is a name for all decoder layers, or one for each; layers that were trained to read in a way of their
    own keep to it. Raises ConfigError for a name that is none or that wants training, and UnsupportedError for a model
    without one cross-attention a layer.
    """
    if not isinstance(model, EncoderDecoder):
        raise UnsupportedError(
            f"attention {attention} wants a Transformer that reads one source by cross-attention, got kind "
            f"{config.kind}; leave attention out"
        )
    names = [attention] * config.decoder_layers if isinstance(attention, str) else list(attention)
    if len(names) != config.decoder_layers:
        raise ConfigError(
            f"attention wants one name, or one for each of {config.decoder_layers} decoder layers, got {len(names)}"
        )
    if told.length_scaling == "learned":
        raise ConfigError("length_scaling 'learned' wants training, got a model that is there; take 'log'")
    tally = Tally()
    shape = config.of_decoder().model_copy(update={"reading": told})
    for layer, (name, cross) in enumerate(zip(names, model.decoder.cross_attentions(), strict=True)):
        if name not in UNTRAINED:
            raise ConfigError(
                f"attention of a model that is there must be one of {', '.join(UNTRAINED)}, got {name!r}; others want "
                "training: set attention in a recipe"
            )
        if told.head >= shape.num_heads and name == "window":
            raise ConfigError(f"head must be one of {shape.num_heads}, got {told.head}; heads are counted from 0")
        crossing = cast(CrossAttention, cross)
        if config.attention_of(layer) not in TRAINED:
            _let(crossing, shape, name, tally)
        if config.reading.length_scaling == "none" and config.attention_of(layer) != "linear":
            crossing.length_scaling = length_scaling(shape)
    return tally


def counted(model: nn.Module, config: ModelConfig) -> Tally:
    """What counts, over all layers together, what a model that is configured to read less than all leaves out."""
    tally = Tally()
    if isinstance(model, EncoderDecoder):
        for layer, cross in enumerate(model.decoder.cross_attentions()):
            if (name := config.attention_of(layer)) not in TRAINED:
                _let(cast(CrossAttention, cross), config.of_decoder(), name, tally)
    return tally


def _let(cross: CrossAttention, shape: ModelConfig, name: Attention, tally: Tally) -> None:
    if name in SHARED and not isinstance(cross.kv, nn.Linear):
        raise UnsupportedError(
            f"attention {name} takes projections of keys to the queries and wants them in plain numbers, got int8; "
            "leave dtype out, or choose 'top-k'"
        )
    cross.backend, cross.shares = reader(shape, name, tally), name in SHARED
