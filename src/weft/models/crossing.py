"""What stands between a decoder layer and its sources: one cross-attention, or one of the ways to read several."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from weft.layers.attention import CrossAttention
from weft.layers.fusion import Concat, Gated, Hierarchical, Parallel, Serial
from weft.layers.null import LearnedNull, NoNull
from weft.layers.residual import Residual
from weft.models.config import ModelConfig
from weft.models.parts import BACKENDS, heads_of, skip
from weft.models.readers import length_scaling, reader
from weft.models.reading import SHARED


def crossing(config: ModelConfig, number: int) -> nn.Module:
    """How a decoder layer reads its source or sources, with the residual path around."""
    if config.sources:
        return FUSIONS[config.fusion](config, number)
    return Residual(_cross_attention(config, number), skip(config))


def cross_site(number: int, source: str = "source") -> str:
    """What a decoder layer's cross-attention is called in records: who looks at what."""
    return f"decoder.{number}.target_to_{source}"


def _cross_attention(
    config: ModelConfig, number: int, source: str = "source", memory_width: int | None = None
) -> CrossAttention:
    """The cross-attention of a decoder layer to one source; None: the memory is as wide as the configuration says."""
    heads, guided = heads_of(config), config.alignment_head
    return CrossAttention(
        config.width,
        heads,
        memory_width=config.memory_width if memory_width is None else memory_width,
        backend=reader(config, config.attention_of(number)),
        dropout=config.attention_dropout,
        site=cross_site(number, source),
        length_scaling=length_scaling(config),
        null=LearnedNull(guided.head, heads.key_width) if guided and guided.layer == number else NoNull(),
        bias=config.bias,
        shares=config.attention_of(number) in SHARED,
    )


def _each_attention(config: ModelConfig, number: int) -> dict[str, CrossAttention]:
    """A cross-attention for each of several sources."""
    widths = {name: config.of_source(name).memory_width for name in config.sources}
    return {name: _cross_attention(config, number, name, width) for name, width in widths.items()}


def _concat(config: ModelConfig, number: int) -> nn.Module:
    fusion = Concat(
        config.width,
        heads_of(config),
        memory_widths={name: config.of_source(name).memory_width for name in config.sources},
        sites={name: cross_site(number, name) for name in config.sources},
        backend=BACKENDS[config.backend](config.attention_scale),
        dropout=config.attention_dropout,
        bias=config.bias,
    )
    return Residual(fusion, skip(config))


def _serial(config: ModelConfig, number: int) -> nn.Module:
    attentions = _each_attention(config, number)
    return Serial({name: Residual(attention, skip(config)) for name, attention in attentions.items()})


def _hierarchical(config: ModelConfig, number: int) -> nn.Module:
    over = _cross_attention(config, number, "sources", config.width)
    return Residual(Hierarchical(_each_attention(config, number), over), skip(config))


FUSIONS: dict[str, Callable[[ModelConfig, int], nn.Module]] = {
    "concat": _concat,
    "serial": _serial,
    "parallel": lambda config, number: Residual(Parallel(_each_attention(config, number)), skip(config)),
    "hierarchical": _hierarchical,
    "gated": lambda config, number: Residual(Gated(_each_attention(config, number)), skip(config)),
}
"""How a decoder layer reads several sources, with the residual path around."""
