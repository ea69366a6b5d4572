"""Configuration to model: the one place where names become modules."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from torch import nn

from weft.attention import Backend
from weft.base.errors import ConfigError
from weft.layers.attention import SelfAttention
from weft.layers.block import DecoderLayer, EncoderLayer
from weft.layers.dropout import Dropout
from weft.layers.position import EvenlySpaced, Grid, Learned, NoPosition, NoRotation, Rotary, Sinusoidal
from weft.layers.relative import Buckets, NoBias, RelativeBias
from weft.models.audio import AudioIn
from weft.models.config import ModelConfig
from weft.models.crossing import cross_site, crossing
from weft.models.decoder import Decoder
from weft.models.decoder_only import DecoderOnly
from weft.models.encoder import Encoder, In
from weft.models.encoder_decoder import EncoderDecoder, Site
from weft.models.encoder_readers import encoder_backend
from weft.models.image import ImageIn
from weft.models.latents import resampler
from weft.models.parts import BACKENDS, feedforward, final_norm, heads_of, norm, skip
from weft.models.recurrent import Recurrent, RecurrentDecoder, RecurrentEncoder
from weft.models.several import Reader, Readers, SeveralSources
from weft.models.source import Picture, Sound, Text
from weft.models.text import TextIn, TextOut


def build(config: ModelConfig) -> nn.Module:
    """A freshly initialised model of the kind that the configuration names; it speaks `Seq2Seq`."""
    return KINDS[config.kind](config)


def _transformer(config: ModelConfig) -> EncoderDecoder | SeveralSources:
    source_table, target_table, projection = _tables(config)
    out, size = _text_out(config, projection), config.written_vocabulary_size
    model: EncoderDecoder | SeveralSources
    if config.sources:
        readers = _readers(config, source_table)
        model = SeveralSources(readers, _decoder(config, target_table), out, size)
    else:
        encoder, bridge = _encoder(config, source_table), _bridge(config)
        head = config.alignment_head
        guided = None if head is None else Site(cross_site(head.layer), head.head)
        decoder = _decoder(config, target_table)
        model = EncoderDecoder(encoder, decoder, out, size, bridge=bridge, guided=guided)
    _initialise(model)
    return model


def _encoder(config: ModelConfig, table: nn.Embedding, site: str = "encoder") -> Encoder:
    """The encoder of the source that the configuration names, called so in records."""
    read = config.of_encoder()
    return Encoder(
        SOURCES[config.source.modality](read, table),
        [
            _self_attention_layer(read, f"{site}.{number}.self", encoder_backend(read, number))
            for number in range(config.encoder_layers)
        ],
        final_norm(read),
        _relative(read, config.encoder_layers, both_ways=True),
        resampler=resampler(read, site),
    )


def _readers(config: ModelConfig, table: nn.Embedding) -> Readers:
    """The encoders of several sources, of which some read more than one; texts of one width share a table of tokens."""
    tables, encoders = {table.embedding_dim: table}, {}
    for name, one in config.sources.items():
        if one.same_as is None:
            own = config.of_source(name)
            width = own.of_encoder().width
            if one.reads == Text() and width not in tables:
                tables[width] = nn.Embedding(config.vocabulary_size, width)
            encoder = _encoder(own, tables.get(width, table), f"encoder.{name}")
            encoders[name] = Reader(encoder, _bridge(own))
    read_by = {name: one.same_as or name for name, one in config.sources.items()}
    required = frozenset(name for name, one in config.sources.items() if one.required)
    return Readers(encoders, read_by, required=required)


def _bridge(config: ModelConfig) -> nn.Module:
    return nn.Linear(config.of_encoder().width, config.width) if config.bridge else nn.Identity()


def _decoder(config: ModelConfig, table: nn.Embedding) -> Decoder:
    own = config.of_decoder()
    return Decoder(
        _text_in(own, table),
        [_decoder_layer(own, number) for number in range(own.decoder_layers)],
        final_norm(own),
        _relative(own, own.decoder_layers, both_ways=False),
    )


def _recurrent(config: ModelConfig) -> Recurrent:
    """Norm and dropout as in a Transformer; keys about attention, feed-forward and positions mean nothing here."""
    if config.encoder_layers == 0:
        raise ConfigError("kind recurrent wants encoder_layers of at least 1, got 0; nothing else reads the source")
    source_table, target_table, projection = _tables(config)
    encoder = RecurrentEncoder(
        _text_in(config, source_table, NoPosition()),
        _gru(config, config.width, config.encoder_layers, bidirectional=True),
    )
    decoder = RecurrentDecoder(
        _text_in(config, target_table, NoPosition()),
        _gru(config, 2 * config.width, config.decoder_layers, bidirectional=False),
        Dropout(config.dropout),
        final_norm(config),
    )
    model = Recurrent(encoder, decoder, _text_out(config, projection), config.vocabulary_size)
    _initialise(model)
    return model


def _decoder_only(config: ModelConfig) -> DecoderOnly:
    """One sequence has one embedding table, so ties "all" and "target" are the same; encoder_layers means nothing."""
    _, table, projection = _tables(config)
    model = DecoderOnly(
        _text_in(config, table),
        [
            _self_attention_layer(config, f"decoder.{number}.self", _backend(config))
            for number in range(config.decoder_layers)
        ],
        final_norm(config),
        _text_out(config, projection),
        config.vocabulary_size,
    )
    _initialise(model)
    return model


KINDS: dict[str, Callable[[ModelConfig], nn.Module]] = {
    "transformer": _transformer,
    "recurrent": _recurrent,
    "decoder_only": _decoder_only,
}


def _sound_in(config: ModelConfig, _: nn.Embedding) -> AudioIn:
    sound = cast(Sound, config.source)
    learned = sound.position == "learned"
    position = Learned(config.width, sound.positions) if learned else EvenlySpaced(config.width)
    return AudioIn(sound.bands, config.width, position, config.dropout)


def _picture_in(config: ModelConfig, _: nn.Embedding) -> ImageIn:
    picture = cast(Picture, config.source)
    lead, columns = picture.class_tokens, picture.grid[1]
    learned = picture.position == "learned"
    table = Learned(config.width, lead + picture.num_patches) if learned else None
    position = table or Grid(config.width, columns=columns, lead=lead)
    return ImageIn(picture, config.width, position, config.dropout)


def _tables(config: ModelConfig) -> tuple[nn.Embedding, nn.Embedding, nn.Linear]:
    """Source embedding, target embedding and output projection, sharing one weight where they are tied.

    Who reads no text has no source embedding; the target's stands for it and is not asked.
    """
    target = nn.Embedding(config.written_vocabulary_size, config.width)
    one_table = config.tie in ("all", "embeddings") or config.source != Text()
    source = target if one_table else nn.Embedding(config.vocabulary_size, config.of_encoder().width)
    projection = nn.Linear(config.width, config.written_vocabulary_size, bias=config.logits_bias)
    if config.tie in ("all", "target"):
        projection.weight = target.weight
    return source, target, projection


def _text_in(config: ModelConfig, table: nn.Embedding, position: nn.Module | None = None) -> TextIn:
    """Embedding, position (None: as configured) and norm before the first layer."""
    return TextIn(
        table,
        position or _position(config),
        config.dropout,
        scale=config.width**0.5 if config.embedding_scale == "root" else 1.0,
        norm=norm(config) if config.embedding_norm else nn.Identity(),
    )


SOURCES: dict[str, Callable[[ModelConfig, nn.Embedding], In]] = {
    "text": _text_in,
    "sound": _sound_in,
    "picture": _picture_in,
}
"""What stands before the encoder, by modality; only text has a table of tokens."""


def _text_out(config: ModelConfig, projection: nn.Linear) -> TextOut:
    return TextOut(projection, scale=config.logits_scale)


def _position(config: ModelConfig) -> nn.Module:
    positions: dict[str, Callable[[], nn.Module]] = {
        "sinusoidal": lambda: Sinusoidal(config.width, offset=config.position_offset),
        "evenly_spaced": lambda: EvenlySpaced(config.width, offset=config.position_offset),
        "learned": lambda: Learned(config.width, config.max_length),
        "rotary": NoPosition,
        "relative": NoPosition,
    }
    return positions[config.position]()


def _relative(config: ModelConfig, num_layers: int, *, both_ways: bool) -> nn.Module:
    """What relative positions add to the scores of self-attention, if that is how positions enter."""
    if config.position != "relative":
        return NoBias(num_layers)
    buckets = Buckets(config.relative_buckets, config.relative_distance, both_ways=both_ways)
    return RelativeBias(num_layers, config.num_heads, buckets, shared=config.relative_tables == "shared")


def _backend(config: ModelConfig) -> Backend:
    return BACKENDS[config.backend](config.attention_scale)


def _self_attention(config: ModelConfig, site: str, backend: Backend) -> SelfAttention:
    heads = heads_of(config)
    rotation = Rotary(heads.key_width) if config.position == "rotary" else NoRotation()
    return SelfAttention(
        config.width,
        heads,
        backend=backend,
        rotation=rotation,
        dropout=config.attention_dropout,
        site=site,
        bias=config.bias,
    )


def _gru(config: ModelConfig, input_width: int, num_layers: int, *, bidirectional: bool) -> nn.GRU:
    """A GRU of the model width; dropout falls between its layers, where there are several."""
    dropout = config.dropout if num_layers > 1 else 0.0
    return nn.GRU(input_width, config.width, num_layers, batch_first=True, dropout=dropout, bidirectional=bidirectional)


def _self_attention_layer(config: ModelConfig, site: str, backend: Backend) -> EncoderLayer:
    return EncoderLayer(_self_attention(config, site, backend), feedforward(config), (skip(config), skip(config)))


def _decoder_layer(config: ModelConfig, number: int) -> DecoderLayer:
    attention = _self_attention(config, f"decoder.{number}.self", _backend(config))
    return DecoderLayer(attention, crossing(config, number), feedforward(config), (skip(config), skip(config)))


def _initialise(model: nn.Module) -> None:
    """Xavier-uniform projections, zero biases, embeddings of variance 1/d (so that the tied projection is one too)."""
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    for module in model.modules():
        if isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=module.embedding_dim**-0.5)
