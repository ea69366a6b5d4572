"""The T5 family: T5, T5 v1.1, Flan-T5, mT5, ByT5 and UMT5: relative positions, no biases, no scale on scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import PositiveInt, field_validator, model_validator

from weft.base.validate import validate
from weft.interop.fields import ACTIVATIONS, Fields
from weft.interop.names import Names, Table, Tables
from weft.models.config import ModelConfig

GATED = {"relu": "reglu", "gelu": "geglu", "gelu_tanh": "geglu_tanh", "silu": "swiglu"}
"""The gated form of each activation."""


class T5Fields(Fields):
    """Fields of all of them, with T5's defaults."""

    same: ClassVar[Mapping[str, str]] = {
        "hidden_size": "d_model",
        "num_attention_heads": "num_heads",
        "num_hidden_layers": "num_layers",
        "head_dim": "d_kv",
    }

    vocab_size: PositiveInt = 32128
    d_model: PositiveInt = 512
    d_kv: PositiveInt = 64
    d_ff: PositiveInt = 2048
    num_layers: PositiveInt = 6
    num_decoder_layers: PositiveInt | None = None
    num_heads: PositiveInt = 8
    relative_attention_num_buckets: PositiveInt = 32
    relative_attention_max_distance: PositiveInt = 128
    dropout_rate: float = 0.1
    layer_norm_epsilon: float = 1e-6
    feed_forward_proj: str = "relu"
    dense_act_fn: str | None = None
    is_gated_act: bool | None = None
    tie_word_embeddings: bool = True
    scale_decoder_outputs: bool | None = None
    pad_token_id: int | None = 0
    eos_token_id: int | None = 1
    decoder_start_token_id: int | None = 0

    @field_validator("feed_forward_proj")
    @classmethod
    def _known(cls, name: str) -> str:
        if name.removeprefix("gated-") not in ACTIVATIONS:
            known = ", ".join(ACTIVATIONS)
            raise ValueError(f"wanted one of {known}, perhaps after 'gated-', got {name!r}; weft has no other yet")
        return name

    @model_validator(mode="after")
    def _says_it_once(self) -> T5Fields:
        """Newer configurations repeat what `feed_forward_proj` says."""
        for key, came in (("dense_act_fn", self.dense_act_fn), ("is_gated_act", self.is_gated_act)):
            wanted = self.activation if key == "dense_act_fn" else self.gated
            if came not in (None, wanted):
                raise ValueError(f"{key} {came!r} contradicts feed_forward_proj {self.feed_forward_proj!r}; correct it")
        return self

    @property
    def gated(self) -> bool:
        return self.feed_forward_proj.startswith("gated-")

    @property
    def activation(self) -> str:
        """The name of the activation: "gated-gelu" has always meant the approximation."""
        name = self.feed_forward_proj.removeprefix("gated-")
        return "gelu_new" if self.feed_forward_proj == "gated-gelu" else name

    @property
    def logits_scale(self) -> float:
        """Outputs are scaled unless the file says that they are not, or older ones that no tables are tied, as v1.1."""
        scaled = self.tie_word_embeddings if self.scale_decoder_outputs is None else self.scale_decoder_outputs
        return self.d_model**-0.5 if scaled else 1.0


class UMT5Fields(T5Fields):
    """T5 in many languages."""

    scalable_attention: Literal[True] = True
    """Of the files of the first release: said of every one of them, and read by nobody."""
    vocab_size: PositiveInt = 250112
    d_ff: PositiveInt = 1024
    num_layers: PositiveInt = 8
    num_heads: PositiveInt = 6
    feed_forward_proj: str = "gated-gelu"


class MT5Fields(UMT5Fields):
    """mT5: its outputs are not scaled, whatever its file says of ties."""

    scale_decoder_outputs: Literal[False] | None = None


def t5_shape(fields: T5Fields) -> ModelConfig:
    """All layers share a table of relative biases."""
    return _shape(fields, tables="shared", logits_scale=fields.logits_scale)


def mt5_shape(fields: MT5Fields) -> ModelConfig:
    """As T5 v1.1."""
    return _shape(fields, tables="shared", logits_scale=1.0)


def umt5_shape(fields: UMT5Fields) -> ModelConfig:
    """Every layer has a table of relative biases."""
    return _shape(fields, tables="layers", logits_scale=fields.logits_scale)


def _shape(fields: T5Fields, *, tables: str, logits_scale: float) -> ModelConfig:
    plain = ACTIVATIONS[fields.activation]
    return validate(
        ModelConfig,
        {
            "vocabulary_size": fields.vocab_size,
            "width": fields.d_model,
            "num_heads": fields.num_heads,
            "key_width": fields.d_kv,
            "value_width": fields.d_kv,
            "feedforward_width": fields.d_ff,
            "encoder_layers": fields.num_layers,
            "decoder_layers": fields.num_layers if fields.num_decoder_layers is None else fields.num_decoder_layers,
            "activation": GATED[plain] if fields.gated else plain,
            "bias": False,
            "norm": "rms",
            "norm_epsilon": fields.layer_norm_epsilon,
            "norm_position": "pre",
            "embedding_scale": "none",
            "position": "relative",
            "relative_buckets": fields.relative_attention_num_buckets,
            "relative_distance": fields.relative_attention_max_distance,
            "relative_tables": tables,
            "attention_scale": 1.0,
            "dropout": fields.dropout_rate,
            "attention_dropout": fields.dropout_rate,
            "feedforward_dropout": fields.dropout_rate,
            "tie": "none",
            "logits_scale": logits_scale,
        },
        where="config.json",
    )


TOKENS = Tables(
    source="encoder.embed_tokens.weight",
    target="decoder.embed_tokens.weight",
    projection="lm_head.weight",
    shared="shared.weight",
)


def ties(fields: T5Fields) -> tuple[frozenset[str], ...]:
    """One table, unless the file holds a projection of its own."""
    return (frozenset(TOKENS),)


def _names() -> dict[str, Any]:
    """What stands in the layers: `layer.0` is self-attention, in the decoder `layer.1` reads the source."""
    encoder, decoder = "encoder.block.{i}.layer.", "decoder.block.{i}.layer."
    return {
        "encoder.layers.{i}.attention.sublayer.qkv": tuple(f"{encoder}0.SelfAttention.{part}" for part in "qkv"),
        "encoder.layers.{i}.attention.sublayer.out": encoder + "0.SelfAttention.o",
        "encoder.layers.{i}.attention.before": encoder + "0.layer_norm",
        "encoder.layers.{i}.feedforward.sublayer.outer": encoder + "1.DenseReluDense.wo",
        "encoder.layers.{i}.feedforward.before": encoder + "1.layer_norm",
        "encoder.norm": "encoder.final_layer_norm",
        "decoder.layers.{i}.attention.sublayer.qkv": tuple(f"{decoder}0.SelfAttention.{part}" for part in "qkv"),
        "decoder.layers.{i}.attention.sublayer.out": decoder + "0.SelfAttention.o",
        "decoder.layers.{i}.attention.before": decoder + "0.layer_norm",
        "decoder.layers.{i}.cross_attention.sublayer.q": decoder + "1.EncDecAttention.q",
        "decoder.layers.{i}.cross_attention.sublayer.kv": tuple(f"{decoder}1.EncDecAttention.{part}" for part in "kv"),
        "decoder.layers.{i}.cross_attention.sublayer.out": decoder + "1.EncDecAttention.o",
        "decoder.layers.{i}.cross_attention.before": decoder + "1.layer_norm",
        "decoder.layers.{i}.feedforward.sublayer.outer": decoder + "2.DenseReluDense.wo",
        "decoder.layers.{i}.feedforward.before": decoder + "2.layer_norm",
        "decoder.norm": "decoder.final_layer_norm",
        "encoder.bias.tables.{i}": "encoder.block.{i}.layer.0.SelfAttention.relative_attention_bias",
        "decoder.bias.tables.{i}": "decoder.block.{i}.layer.0.SelfAttention.relative_attention_bias",
    }


PLAIN: Table = {
    "encoder.layers.{i}.feedforward.sublayer.inner": "encoder.block.{i}.layer.1.DenseReluDense.wi",
    "decoder.layers.{i}.feedforward.sublayer.inner": "decoder.block.{i}.layer.2.DenseReluDense.wi",
}
GATES: Table = {
    "encoder.layers.{i}.feedforward.sublayer.inner": tuple(
        f"encoder.block.{{i}}.layer.1.DenseReluDense.{part}" for part in ("wi_0", "wi_1")
    ),
    "decoder.layers.{i}.feedforward.sublayer.inner": tuple(
        f"decoder.block.{{i}}.layer.2.DenseReluDense.{part}" for part in ("wi_0", "wi_1")
    ),
}
UNUSED = (r"decoder\.block\.0\.layer\.1\.EncDecAttention\.relative_attention_bias\.weight",)

_PLAIN = Names({**_names(), **PLAIN}, TOKENS, unused=UNUSED)
_GATED = Names({**_names(), **GATES}, TOKENS, unused=UNUSED)


def names(fields: T5Fields) -> Names:
    """Gated feed-forward sub-layers have two matrices where the others have one."""
    return _GATED if fields.gated else _PLAIN
