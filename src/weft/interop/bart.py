"""The BART family: BART, mBART, Marian, Pegasus, M2M100 and NLLB are one Transformer with different parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import PositiveInt, model_validator

from weft.base.validate import validate
from weft.interop.fields import ACTIVATIONS, Activation, Fields
from weft.interop.names import Made, Names, Table, Tables
from weft.models.config import ModelConfig


class StackFields(Fields):
    """Fields of two stacks, with BART's defaults."""

    same: ClassVar[Mapping[str, str]] = {
        "hidden_size": "d_model",
        "num_attention_heads": "encoder_attention_heads",
        "num_hidden_layers": "encoder_layers",
        "encoder_num_hidden_layers": "encoder_layers",
    }

    vocab_size: PositiveInt = 50265
    d_model: PositiveInt = 1024
    encoder_layers: PositiveInt = 12
    decoder_layers: PositiveInt = 12
    encoder_attention_heads: PositiveInt = 16
    decoder_attention_heads: PositiveInt = 16
    encoder_ffn_dim: PositiveInt = 4096
    decoder_ffn_dim: PositiveInt = 4096
    activation_function: Activation = "gelu"
    dropout: float = 0.1
    attention_dropout: float = 0.0
    activation_dropout: float = 0.0
    scale_embedding: bool = False
    tie_word_embeddings: bool = True

    @model_validator(mode="after")
    def _heads_part_the_width(self) -> StackFields:
        for name in ("encoder_attention_heads", "decoder_attention_heads"):
            if self.d_model % getattr(self, name):
                raise ValueError(f"{name} {getattr(self, name)} does not divide d_model {self.d_model}; correct one")
        return self


class BartFields(StackFields):
    """Fields that all of the family have, with BART's defaults."""

    max_position_embeddings: PositiveInt = 1024
    pad_token_id: int | None = 1
    bos_token_id: int | None = 0
    eos_token_id: int | None = 2
    decoder_start_token_id: int | None = 2
    extra_pos_embeddings: int | None = None
    """Of old checkpoints, which all have the offset that the family has today."""


class PlainBartFields(BartFields):
    """BART itself."""

    normalize_before: Literal[False] = False
    normalize_embedding: Literal[True] = True
    add_final_layer_norm: Literal[False] = False
    add_bias_logits: Literal[False] = False
    static_position_embeddings: Literal[False] = False


class MBartFields(BartFields):
    """mBART and mBART-50."""

    decoder_start_token_id: int | None = None
    normalize_before: Literal[True] = True
    normalize_embedding: Literal[True] = True
    add_final_layer_norm: Literal[True] = True
    add_bias_logits: Literal[False] = False
    static_position_embeddings: Literal[False] = False


class MarianFields(BartFields):
    """Marian: two vocabularies are possible."""

    vocab_size: PositiveInt = 58101
    decoder_vocab_size: PositiveInt | None = None
    share_encoder_decoder_embeddings: bool = True
    pad_token_id: int | None = 58100
    eos_token_id: int | None = 0
    bos_token_id: int | None = None
    decoder_start_token_id: int | None = 58100
    normalize_before: Literal[False] = False
    normalize_embedding: Literal[False] = False
    add_final_layer_norm: Literal[False] = False
    add_bias_logits: Literal[False] = False
    static_position_embeddings: Literal[True] = True


class PegasusFields(BartFields):
    """Pegasus."""

    pad_token_id: int | None = 0
    bos_token_id: int | None = None
    eos_token_id: int | None = 1
    decoder_start_token_id: int | None = 0
    normalize_before: Literal[True] = True
    normalize_embedding: Literal[False] = False
    add_final_layer_norm: Literal[True] = True
    add_bias_logits: Literal[False] = False
    static_position_embeddings: Literal[True] = True


class M2M100Fields(BartFields):
    """M2M100 and NLLB without experts."""

    vocab_size: PositiveInt = 128112
    activation_function: Activation = "relu"
    attention_dropout: float = 0.1
    scale_embedding: bool = True
    normalize_before: Literal[True] = True
    normalize_embedding: Literal[False] = False
    add_final_layer_norm: Literal[True] = True
    static_position_embeddings: Literal[True] = True
    num_experts: None = None


def bart_shape(fields: PlainBartFields) -> ModelConfig:
    """Norm after each sub-layer and after the embedding; learned positions."""
    return shape(fields, norm_position="post", embedding_norm=True, **_learned(fields))


def mbart_shape(fields: MBartFields) -> ModelConfig:
    """As BART, but the norm stands before each sub-layer, and once more at the end."""
    return shape(fields, norm_position="pre", embedding_norm=True, **_learned(fields))


def marian_shape(fields: MarianFields) -> ModelConfig:
    """Norm after each sub-layer; sinusoids."""
    own = None if fields.share_encoder_decoder_embeddings else fields.decoder_vocab_size
    return shape(fields, norm_position="post", position="sinusoidal", target_vocabulary_size=own)


def pegasus_shape(fields: PegasusFields) -> ModelConfig:
    """Norm before each sub-layer and once more at the end; sinusoids."""
    return shape(fields, norm_position="pre", position="sinusoidal")


def m2m100_shape(fields: M2M100Fields) -> ModelConfig:
    """As Pegasus, but sinusoids spaced as in tensor2tensor, counted from the number behind that of padding."""
    first = (fields.pad_token_id or 0) + 1
    return shape(fields, norm_position="pre", position="evenly_spaced", position_offset=first)


def _learned(fields: BartFields) -> dict[str, Any]:
    return {"position": "learned", "max_length": fields.max_position_embeddings}


def shape(fields: StackFields, **parts: Any) -> ModelConfig:
    """The shape that the fields of two stacks describe, with the `parts` of one family."""
    return validate(
        ModelConfig,
        {
            "vocabulary_size": fields.vocab_size,
            "width": fields.d_model,
            "num_heads": fields.encoder_attention_heads,
            "decoder_heads": _unless(fields.decoder_attention_heads, fields.encoder_attention_heads),
            "feedforward_width": fields.encoder_ffn_dim,
            "decoder_feedforward_width": _unless(fields.decoder_ffn_dim, fields.encoder_ffn_dim),
            "encoder_layers": fields.encoder_layers,
            "decoder_layers": fields.decoder_layers,
            "activation": ACTIVATIONS[fields.activation_function],
            "dropout": fields.dropout,
            "attention_dropout": fields.attention_dropout,
            "feedforward_dropout": fields.activation_dropout,
            "embedding_scale": "root" if fields.scale_embedding else "none",
            "tie": "none",
            **parts,
        },
        where="config.json",
    )


def _unless(value: int, same: int) -> int | None:
    return None if value == same else value


def marian_ties(fields: MarianFields) -> tuple[frozenset[str], ...]:
    """Two tables of tokens may leave the encoder's alone."""
    if not fields.tie_word_embeddings:
        return ()
    if fields.share_encoder_decoder_embeddings:
        return (frozenset(TOKENS),)
    return (frozenset({TOKENS.target, TOKENS.projection}),)


def bart_ties(fields: StackFields) -> tuple[frozenset[str], ...]:
    """All or nothing."""
    return (frozenset(TOKENS),) if fields.tie_word_embeddings else ()


TOKENS = Tables(
    source="model.encoder.embed_tokens.weight",
    target="model.decoder.embed_tokens.weight",
    projection="lm_head.weight",
    shared="model.shared.weight",
)
COMPUTED = {
    f"model.{half}.embed_positions.{name}": f"{half}.embed.position"
    for half in ("encoder", "decoder")
    for name in ("weight", "weights")
}
UNUSED = (r"model\.(encoder|decoder)\.embed_positions\._float_tensor",)


def layers(norm: Literal["before", "after"]) -> dict[str, Any]:
    """The names of what stands in the layers; norms stand before sub-layers or after them."""
    encoder, decoder = "model.encoder.layers.{i}.", "model.decoder.layers.{i}."
    q_k_v = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
    return {
        "encoder.layers.{i}.attention.sublayer.qkv": tuple(encoder + name for name in q_k_v),
        "encoder.layers.{i}.attention.sublayer.out": encoder + "self_attn.out_proj",
        f"encoder.layers.{{i}}.attention.{norm}": encoder + "self_attn_layer_norm",
        "encoder.layers.{i}.feedforward.sublayer.inner": encoder + "fc1",
        "encoder.layers.{i}.feedforward.sublayer.outer": encoder + "fc2",
        f"encoder.layers.{{i}}.feedforward.{norm}": encoder + "final_layer_norm",
        "decoder.layers.{i}.attention.sublayer.qkv": tuple(decoder + name for name in q_k_v),
        "decoder.layers.{i}.attention.sublayer.out": decoder + "self_attn.out_proj",
        f"decoder.layers.{{i}}.attention.{norm}": decoder + "self_attn_layer_norm",
        "decoder.layers.{i}.cross_attention.sublayer.q": decoder + "encoder_attn.q_proj",
        "decoder.layers.{i}.cross_attention.sublayer.kv": (
            decoder + "encoder_attn.k_proj",
            decoder + "encoder_attn.v_proj",
        ),
        "decoder.layers.{i}.cross_attention.sublayer.out": decoder + "encoder_attn.out_proj",
        f"decoder.layers.{{i}}.cross_attention.{norm}": decoder + "encoder_attn_layer_norm",
        "decoder.layers.{i}.feedforward.sublayer.inner": decoder + "fc1",
        "decoder.layers.{i}.feedforward.sublayer.outer": decoder + "fc2",
        f"decoder.layers.{{i}}.feedforward.{norm}": decoder + "final_layer_norm",
    }


FINAL_NORMS: Table = {"encoder.norm": "model.encoder.layer_norm", "decoder.norm": "model.decoder.layer_norm"}
EMBEDDING_NORMS: Table = {
    "encoder.embed.norm": "model.encoder.layernorm_embedding",
    "decoder.embed.norm": "model.decoder.layernorm_embedding",
}
LEARNED_POSITIONS: Table = {  # the first two rows are never read: positions are counted from 2
    "encoder.embed.position.table.weight": Made(("model.encoder.embed_positions.weight",), skip=2),
    "decoder.embed.position.table.weight": Made(("model.decoder.embed_positions.weight",), skip=2),
}
LOGITS_BIAS: Table = {"out.projection.bias": Made(("final_logits_bias",), flat=True)}

BART = Names({**layers("after"), **EMBEDDING_NORMS, **LEARNED_POSITIONS, **LOGITS_BIAS}, TOKENS)
MBART = Names({**layers("before"), **FINAL_NORMS, **EMBEDDING_NORMS, **LEARNED_POSITIONS, **LOGITS_BIAS}, TOKENS)
MARIAN = Names({**layers("after"), **LOGITS_BIAS}, TOKENS, computed=COMPUTED, unused=UNUSED)
PEGASUS = Names({**layers("before"), **FINAL_NORMS, **LOGITS_BIAS}, TOKENS, computed=COMPUTED, unused=UNUSED)
M2M100 = Names({**layers("before"), **FINAL_NORMS}, TOKENS, computed=COMPUTED, unused=UNUSED)
