"""VisionEncoderDecoder: a ViT or DeiT encoder of pictures with the text decoder of TrOCR."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import ValidationInfo, field_validator, model_validator

from weft.base.validate import validate
from weft.interop import bart, generation
from weft.interop.fields import ACTIVATIONS, HARMLESS, Activation, Fields
from weft.interop.names import ZERO, Made, Names, Rule, Table, Tables
from weft.models.config import ModelConfig


class ViTFields(Fields):
    """The encoder's configuration, with ViT's defaults, which are DeiT's too."""

    model_type: Literal["vit", "deit"]
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: Activation = "gelu"
    hidden_dropout_prob: float = 0.0
    attention_probs_dropout_prob: float = 0.0
    layer_norm_eps: float = 1e-12
    image_size: tuple[int, int] = (224, 224)
    """Pixels down and across."""
    patch_size: tuple[int, int] = (16, 16)
    num_channels: int = 3
    qkv_bias: bool = True
    tie_word_embeddings: bool = True
    """Of old files; it has no words."""

    @field_validator("image_size", "patch_size", mode="before")
    @classmethod
    def _square(cls, value: Any) -> Any:
        return (value, value) if isinstance(value, int) else value


class TrOCRFields(Fields):
    """The decoder's configuration, with its defaults."""

    same: ClassVar[Mapping[str, str]] = {
        "hidden_size": "d_model",
        "num_attention_heads": "decoder_attention_heads",
        "num_hidden_layers": "decoder_layers",
    }

    model_type: Literal["trocr"]
    vocab_size: int = 50265
    d_model: int = 1024
    decoder_layers: int = 12
    decoder_attention_heads: int = 16
    decoder_ffn_dim: int = 4096
    max_position_embeddings: int = 512
    activation_function: Activation = "gelu"
    dropout: float = 0.1
    attention_dropout: float = 0.0
    activation_dropout: float = 0.0
    scale_embedding: bool = False
    use_learned_position_embeddings: bool = True
    layernorm_embedding: bool = True
    tie_word_embeddings: bool = True
    cross_attention_hidden_size: int | None = None
    pad_token_id: int | None = 1
    bos_token_id: int | None = 0
    eos_token_id: int | None = 2
    decoder_start_token_id: int | None = 2


class VisionFields(Fields):
    """Both, and what is said of the whole."""

    encoder: ViTFields
    decoder: TrOCRFields
    vocab_size: int | None = None

    @field_validator("encoder", "decoder", mode="before")
    @classmethod
    def _without_what_changes_nothing(cls, value: Any, info: ValidationInfo) -> Any:
        """Old files say of each part all that they can say of any model; how to search is said of the whole."""
        if not isinstance(value, dict):
            return value
        own: type[Fields] = ViTFields if info.field_name == "encoder" else TrOCRFields
        said = {key: part for key, part in value.items() if part is not None or key in own.model_fields}
        known = {key: part for key, part in said.items() if key not in PASSED_OVER}
        for other, name in TrOCRFields.same.items():
            if value.get("model_type") == "trocr" and other in known:
                known.setdefault(name, known.pop(other))
        return known

    @model_validator(mode="after")
    def _widths_agree(self) -> VisionFields:
        wanted, came = self.encoder.hidden_size, self.decoder.cross_attention_hidden_size
        if came not in (None, wanted):
            raise ValueError(
                f"decoder.cross_attention_hidden_size {came} contradicts encoder.hidden_size {wanted}; correct one"
            )
        return self

    @model_validator(mode="before")
    @classmethod
    def _specials_of_the_decoder(cls, data: Any) -> Any:
        """Special ids that are not said of the whole are those of the decoder."""
        if not isinstance(data, dict) or not isinstance(data.get("decoder"), dict):
            return data
        ids = {key: data["decoder"][key] for key in Fields.model_fields if data["decoder"].get(key) is not None}
        return ids | {key: value for key, value in data.items() if value is not None}

    @property
    def bridged(self) -> bool:
        """Whether a projection stands between encoder and decoder."""
        return self.encoder.hidden_size != self.decoder.d_model and self.decoder.cross_attention_hidden_size is None


PASSED_OVER = (
    (HARMLESS - {"model_type", "cross_attention_hidden_size"})
    | generation.keys(generation.GenerationFields)
    | generation.HARMLESS
    | {"encoder_stride", "pooler_act", "pooler_output_size", "processor_class"}
)


def encoder_keys(vit: ViTFields) -> dict[str, Any]:
    """What `ModelConfig` says of the encoder: what it reads, its shape and its number of layers."""
    return {
        "source": {
            "modality": "picture",
            "height": vit.image_size[0],
            "width": vit.image_size[1],
            "channels": vit.num_channels,
            "patch_height": vit.patch_size[0],
            "patch_width": vit.patch_size[1],
            "class_tokens": 2 if vit.model_type == "deit" else 1,
        },
        "encoder": {
            "width": vit.hidden_size,
            "num_heads": vit.num_attention_heads,
            "feedforward_width": vit.intermediate_size,
            "activation": ACTIVATIONS[vit.hidden_act],
            "norm_epsilon": vit.layer_norm_eps,
            "norm_position": "pre",
            "dropout": vit.hidden_dropout_prob,
            "attention_dropout": vit.attention_probs_dropout_prob,
            "feedforward_dropout": 0.0,
        },
        "encoder_layers": vit.num_hidden_layers,
    }


def vision_shape(fields: VisionFields) -> ModelConfig:
    """Norm before each sub-layer in the encoder, after it in the decoder."""
    vit, text = fields.encoder, fields.decoder
    first = (text.pad_token_id or 0) + 1
    sinusoids = {"position": "evenly_spaced", "position_offset": first}
    learned = {"position": "learned", "max_length": text.max_position_embeddings}
    return validate(
        ModelConfig,
        {
            **encoder_keys(vit),
            "bridge": fields.bridged,
            "vocabulary_size": text.vocab_size,
            "width": text.d_model,
            "num_heads": text.decoder_attention_heads,
            "feedforward_width": text.decoder_ffn_dim,
            "decoder_layers": text.decoder_layers,
            "activation": ACTIVATIONS[text.activation_function],
            "dropout": text.dropout,
            "attention_dropout": text.attention_dropout,
            "feedforward_dropout": text.activation_dropout,
            "norm_position": "post",
            "embedding_norm": text.layernorm_embedding,
            "embedding_scale": "root" if text.scale_embedding else "none",
            "tie": "none",
            **(learned if text.use_learned_position_embeddings else sinusoids),
        },
        where="config.json",
    )


TOKENS = Tables(
    source="decoder.model.decoder.embed_tokens.weight",
    target="decoder.model.decoder.embed_tokens.weight",
    projection="decoder.output_projection.weight",
    shared="decoder.model.decoder.embed_tokens.weight",
)


def vision_ties(fields: VisionFields) -> tuple[frozenset[str], ...]:
    """The decoder's own two tables, whatever is said of the whole."""
    return (frozenset(TOKENS),) if fields.decoder.tie_word_embeddings else ()


ENCODER: Table = {
    "encoder.embed.patch": "encoder.embeddings.patch_embeddings.projection",
    "encoder.embed.position.table.weight": Made(("encoder.embeddings.position_embeddings",), flat=True),
    "encoder.layers.{i}.attention.sublayer.qkv": tuple(
        f"encoder.encoder.layer.{{i}}.attention.attention.{part}" for part in ("query", "key", "value")
    ),
    "encoder.layers.{i}.attention.sublayer.out": "encoder.encoder.layer.{i}.attention.output.dense",
    "encoder.layers.{i}.attention.before": "encoder.encoder.layer.{i}.layernorm_before",
    "encoder.layers.{i}.feedforward.sublayer.inner": "encoder.encoder.layer.{i}.intermediate.dense",
    "encoder.layers.{i}.feedforward.sublayer.outer": "encoder.encoder.layer.{i}.output.dense",
    "encoder.layers.{i}.feedforward.before": "encoder.encoder.layer.{i}.layernorm_after",
    "encoder.norm": "encoder.layernorm",
    "bridge": "enc_to_dec_proj",
}
NO_BIAS: Table = {"encoder.layers.{i}.attention.sublayer.qkv.bias": Made((ZERO, ZERO, ZERO))}
CLASS: Table = {"encoder.embed.class_tokens": Made(("encoder.embeddings.cls_token",), flat=True)}
CLASS_AND_DISTILLATION: Table = {
    "encoder.embed.class_tokens": Made(
        ("encoder.embeddings.cls_token", "encoder.embeddings.distillation_token"), flat=True
    )
}


def _decoder() -> dict[str, Any]:
    """TrOCR's layers are named as BART's are, one floor down, and its norms stand after the sub-layers."""
    layers = bart.layers("after").items()
    found = {ours: _below(theirs) for ours, theirs in layers if ours.startswith("decoder.")}
    place = "decoder.model.decoder."
    return found | {
        "decoder.embed.norm": place + "layernorm_embedding",
        "decoder.embed.position.table.weight": Made((place + "embed_positions.weight",), skip=2),
    }


CHANGES_NOTHING = frozenset(["tie_word_embeddings", "processor_class"])
"""Encoder and decoder have no table to share; the decoder's configuration speaks of its own two."""
UNUSED = (
    r"encoder\.pooler\.dense\.(weight|bias)",
    r"encoder\.embeddings\.mask_token",
    r"decoder\.model\.decoder\.embed_positions\._float_tensor",
    r"decoder\.model\.decoder\.version",
)


def _below(theirs: str | tuple[str, ...]) -> Rule:
    return f"decoder.{theirs}" if isinstance(theirs, str) else tuple(f"decoder.{name}" for name in theirs)


def names(fields: VisionFields) -> Names:
    """What comes before the patches, and whether queries, keys and values have biases, differs."""
    return Names({**encoder_table(fields.encoder), **_decoder()}, TOKENS, unused=UNUSED)


def encoder_table(vit: ViTFields) -> Table:
    """Of the encoder alone; `bridge` has a name there too."""
    biases = {} if vit.qkv_bias else NO_BIAS
    lead = CLASS_AND_DISTILLATION if vit.model_type == "deit" else CLASS
    return {**biases, **lead, **ENCODER}
