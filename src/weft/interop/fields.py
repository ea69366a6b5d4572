"""What the `config.json` of a checkpoint may say: typed fields a family, and what is known to change nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict

from weft.base.errors import ConfigError
from weft.base.validate import nearest, validate

ACTIVATIONS = {
    "relu": "relu",
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "silu": "silu",
    "swish": "silu",
}
"""Names of activations to weft's."""


def _known(name: str) -> str:
    if name not in ACTIVATIONS:
        raise ValueError(f"wanted one of {', '.join(ACTIVATIONS)}, got {name!r}; weft has no other yet")
    return name


Activation = Annotated[str, AfterValidator(_known)]
"""A field that names an activation that weft has."""

HARMLESS = frozenset(
    [
        "_attn_implementation",
        "_commit_hash",
        "_name_or_path",
        "_num_labels",
        "add_cross_attention",
        "architectures",
        "attn_implementation",
        "auto_map",
        "chunk_size_feed_forward",
        "classif_dropout",
        "classifier_dropout",
        "cross_attention_hidden_size",
        "decoder_layerdrop",
        "dtype",
        "encoder_layerdrop",
        "finetuning_task",
        "gradient_checkpointing",
        "id2label",
        "init_std",
        "initializer_factor",
        "initializer_range",
        "is_decoder",
        "is_encoder_decoder",
        "keys_to_ignore_at_inference",
        "label2id",
        "layerdrop",
        "model_type",
        "n_positions",
        "num_labels",
        "output_attentions",
        "output_hidden_states",
        "output_past",
        "prefix",
        "problem_type",
        "pruned_heads",
        "return_dict",
        "sep_token_id",
        "task_specific_params",
        "tf_legacy_loss",
        "tokenizer_class",
        "torch_dtype",
        "torchscript",
        "transformers_version",
        "use_bfloat16",
        "use_cache",
        "save_step",
        "mask_token_id",
    ]
)
"""Keys of any family that are about training, about Python objects or about books, and change no number."""

AnyFields = TypeVar("AnyFields", bound="Fields")


class Fields(BaseModel):
    """The fields of one family; a `Literal` says that weft honours that value alone."""

    # A family that is not read is not made ready: they are many, and every start of weft knows them.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
    same: ClassVar[Mapping[str, str]] = {}
    """Other names of a field; where both stand they must agree."""

    pad_token_id: int | None = None
    eos_token_id: int | None = None
    bos_token_id: int | None = None
    decoder_start_token_id: int | None = None
    tie_encoder_decoder: Literal[False] = False


def read_fields(cls: type[AnyFields], data: Mapping[str, Any], *, where: str, ignore: Iterable[str] = ()) -> AnyFields:
    """The fields of a family from a configuration without its `generation.keys`.

    Raises ConfigError for a key that is neither known nor in `ignore`, and for a value that weft cannot honour.
    """
    known = {key: value for key, value in data.items() if key not in HARMLESS and key not in ignore}
    for other, name in cls.same.items():
        if other in known:
            value = known.pop(other)
            if known.setdefault(name, value) != value:
                raise ConfigError(f"{where}: {other} {value} contradicts {name} {known[name]}; correct one of them")
    return validate(cls, understood(cls, known, where=where), where=where)


def understood(cls: type[BaseModel], data: Mapping[str, Any], *, where: str) -> dict[str, Any]:
    """The fields of a file without those that weft does not know and that say nothing, being null.

    Raises ConfigError for another one that it does not know, with its value.
    """
    strange = {key: value for key, value in data.items() if key not in cls.model_fields and value is not None}
    if strange:
        key, value = next(iter(strange.items()))
        close = nearest(key, list(cls.model_fields))
        meant = f"; {close}" if close.startswith("did") else ""
        raise ConfigError(
            f"{where}: unknown key {key} {value!r}, which weft cannot honour{meant}; if it changes nothing, pass over "
            f"it: weft convert --ignore {key} FOLDER TARGET"
        )
    return {key: value for key, value in data.items() if key in cls.model_fields}
