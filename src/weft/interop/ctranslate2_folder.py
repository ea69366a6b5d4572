"""A weft model as a CTranslate2 folder: its specification filled part by part from our modules."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from weft.base.errors import UnsupportedError
from weft.base.shapes import Tensor
from weft.data.tokenizer import BOS, EOS, PAD
from weft.interop.forms import check, skeleton
from weft.interop.out_card import ctranslate2_card
from weft.interop.out_config import positions
from weft.interop.out_tokenizer import own_tokenizer, special_ids, vocabulary, write_definition
from weft.interop.out_weights import warn_of_dropped
from weft.models.config import ModelConfig
from weft.store.folder import CARD, StoredModel

ACTIVATIONS = {
    "relu": "RELU",
    "gelu": "GELU",
    "gelu_tanh": "GELUTanh",
    "silu": "SWISH",
    "reglu": "RELU",
    "geglu": "GELU",
    "geglu_tanh": "GELUTanh",
    "swiglu": "SWISH",
}
"""Weft's activations, gated or not, to the names that CTranslate2 gives them."""
GATED = frozenset(["reglu", "geglu", "geglu_tanh", "swiglu"])
_RMS_EPSILON = float(torch.finfo(torch.float32).eps)  # torch's own, where none is set


def write_ctranslate2(stored: StoredModel, folder: Path) -> None:
    """Fills an empty folder with what `ctranslate2.Translator` loads (float32), tokenizer.json and a card.

    Tokens are given with `</s>`, as tokenizer.json makes them. Raises UnsupportedError, before anything is written,
    that names what CTranslate2 has not, and for a missing package.
    """
    config, specials = stored.config.model, special_ids(stored)
    one_vocabulary = {"target_vocabulary_size": (None, config.vocabulary_size)}
    check(config, skeleton(config) | one_vocabulary, there="ctranslate2")
    warn_of_dropped(stored.model)
    tokenizer = own_tokenizer(stored)
    names = vocabulary(tokenizer)
    with torch.no_grad():
        spec = _specification(stored.model, config)
    spec.register_source_vocabulary(names)
    spec.register_target_vocabulary(names)
    languages = {pair.to for pair in stored.config.languages}
    spec.config.bos_token, spec.config.eos_token, spec.config.unk_token = names[BOS], names[EOS], names[PAD]
    spec.config.decoder_start_token = names[specials.start] if len(languages) == 1 else None
    spec.config.layer_norm_epsilon = config.norm_epsilon or (1e-5 if config.norm == "layer" else _RMS_EPSILON)
    spec.validate()
    spec.optimize()  # one copy of what is tied
    spec.save(str(folder))
    write_definition(tokenizer, folder)
    (folder / CARD).write_text(ctranslate2_card(stored), encoding="utf-8")


def _specification(model: Any, config: ModelConfig) -> Any:
    """A `TransformerSpec` with all weights of an `EncoderDecoder`."""
    specs = _specs()
    activation = getattr(specs.common_spec.Activation, ACTIVATIONS[config.activation])
    parts = {
        "pre_norm": config.norm_position == "pre",
        "activation": activation,
        "layernorm_embedding": config.embedding_norm,
        "ffn_glu": config.activation in GATED,
        "rms_norm": config.norm == "rms",
    }
    decoder_heads = config.decoder_heads or config.num_heads
    encoder = specs.TransformerEncoderSpec(config.encoder_layers, config.num_heads, **parts)
    decoder = specs.TransformerDecoderSpec(config.decoder_layers, decoder_heads, **parts)
    _end(encoder, encoder.embeddings[0], model.encoder, config)
    _end(decoder, decoder.embeddings, model.decoder, config)
    _linear(decoder.projection, model.out.projection)
    if config.logits_scale != 1.0:
        decoder.scale_outputs = config.logits_scale
    for spec, layer in zip(encoder.layer, model.encoder.layers, strict=True):
        _encoder_layer(spec, layer, config)
    for spec, layer in zip(decoder.layer, model.decoder.layers, strict=True):
        _encoder_layer(spec, layer, config)
        _attention(spec.attention, layer.cross_attention, ("q", "kv", "out"), config)
    return specs.TransformerSpec(encoder, decoder)


def _specs() -> Any:
    try:
        import ctranslate2.specs
    except ImportError as error:
        raise UnsupportedError(
            "a model for CTranslate2 wants its package, got none; pip install 'weft[ct2]'"
        ) from error
    return ctranslate2.specs


def _end(spec: Any, embeddings: Any, end: Any, config: ModelConfig) -> None:
    """What stands before the layers and behind them."""
    embeddings.weight = _value(end.embed.table.weight)
    spec.scale_embeddings = float(end.embed.scale)
    spec.position_encodings.encodings = end.embed.position(torch.arange(positions(config))).detach().float()
    if config.norm_position == "pre":
        _norm(spec.layer_norm, end.norm)
    if config.embedding_norm:
        _norm(spec.layernorm_embedding, end.embed.norm)


def _encoder_layer(spec: Any, layer: Any, config: ModelConfig) -> None:
    _attention(spec.self_attention, layer.attention, ("qkv", "out"), config)
    inner, outer = layer.feedforward.sublayer.inner, layer.feedforward.sublayer.outer
    _norm(spec.ffn.layer_norm, _norm_of(layer.feedforward, config))
    _linear(spec.ffn.linear_1, outer)
    if config.activation in GATED:
        gate, value = inner.weight.chunk(2)
        spec.ffn.linear_0.weight, spec.ffn.linear_0_noact.weight = _value(gate), _value(value)
    else:
        _linear(spec.ffn.linear_0, inner)


def _attention(spec: Any, residual: Any, projections: Sequence[str], config: ModelConfig) -> None:
    _norm(spec.layer_norm, _norm_of(residual, config))
    for linear, name in zip(spec.linear, projections, strict=True):
        _linear(linear, residual.sublayer.get_submodule(name))
    if config.attention_scale is not None:
        spec.queries_scale = config.attention_scale


def _norm_of(residual: Any, config: ModelConfig) -> nn.Module:
    return residual.before if config.norm_position == "pre" else residual.after


def _norm(spec: Any, norm: Any) -> None:
    spec.gamma = _value(norm.weight)
    if isinstance(norm, nn.LayerNorm):
        spec.beta = _value(norm.bias)


def _linear(spec: Any, linear: nn.Linear) -> None:
    spec.weight = _value(linear.weight)
    if linear.bias is not None:
        spec.bias = _value(linear.bias)


def _value(parameter: Tensor) -> Tensor:
    return parameter.detach().to("cpu", torch.float32).contiguous()
