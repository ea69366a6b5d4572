"""Which family of Hugging Face a model of weft's can take the form of: one table, by what tells the families apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from weft.base.errors import UnsupportedError
from weft.interop import bart
from weft.interop.names import Names
from weft.models.config import ModelConfig
from weft.models.reading import TRAINED, UNTRAINED
from weft.models.source import EncoderShape, Text

KEPT = "train one of another shape, or keep it as a weft model"


@dataclass(frozen=True)
class Form:
    """A family as models are saved in it."""

    model_type: str
    architecture: str
    names: Names
    logits_bias: bool = True
    """Whether its logits have a bias."""
    stored_positions: bool = False
    """Whether it wants position vectors in the file that it could compute."""
    own_target: bool = False
    """Whether the target may have a vocabulary, or a table of tokens, of its own."""


FORMS: dict[tuple[str, str, bool], Form] = {
    ("post", "sinusoidal", False): Form("marian", "MarianMTModel", bart.MARIAN, own_target=True),
    ("pre", "sinusoidal", False): Form(
        "pegasus", "PegasusForConditionalGeneration", bart.PEGASUS, stored_positions=True
    ),
    ("pre", "evenly_spaced", False): Form("m2m_100", "M2M100ForConditionalGeneration", bart.M2M100, logits_bias=False),
    ("post", "learned", True): Form("bart", "BartForConditionalGeneration", bart.BART),
    ("pre", "learned", True): Form("mbart", "MBartForConditionalGeneration", bart.MBART),
}
"""By norm_position, position and embedding_norm. Pre-norm models with the sinusoids of the paper are Pegasus and not
M2M100, whose waves are spaced otherwise and computed, so that no file could say so."""

PLAIN = {"relu": "relu", "gelu": "gelu", "gelu_tanh": "gelu_new", "silu": "silu"}
"""Weft's activations to theirs: gated ones have none."""


def form(config: ModelConfig, *, pad: int) -> Form:
    """The family that a model fits into; `pad` is the id of its padding.

    Raises UnsupportedError that names every key of the shape that no family has, or that this one has otherwise.
    """
    check(config, _in_all(config), there="transformers")
    key = (config.norm_position, config.position, config.embedding_norm)
    if key not in FORMS:
        forms = "; ".join(f"{norm!r}, {position!r}, {extra}" for norm, position, extra in FORMS)
        raise UnsupportedError(
            f"wanted norm_position, position and embedding_norm that a family of transformers has ({forms}), got "
            f"{key[0]!r}, {key[1]!r}, {key[2]}; {KEPT}"
        )
    found = FORMS[key]
    check(config, _in_one(config, found, pad), there=found.model_type)
    return found


def check(config: ModelConfig, wanted: Mapping[str, Sequence[object]], *, there: str) -> None:
    """Raises UnsupportedError, naming each key of the shape whose value is not among those wanted."""
    if config.sources:
        raise UnsupportedError(f"{there} has no model of several sources ({', '.join(config.sources)}); {KEPT}")
    if config.source != Text() and Text() in wanted.get("source", ()):
        raise UnsupportedError(f"{there} has no model of weft's that reads a {config.source.modality}; {KEPT}")
    values = {key: getattr(config, key) for key in wanted}
    wrong = [
        f"{key} {values[key]!r} (wanted {' or '.join(repr(value) for value in dict.fromkeys(fits))})"
        for key, fits in wanted.items()
        if values[key] not in fits
    ]
    if wrong:
        raise UnsupportedError(f"{there} has no model with {', '.join(wrong)}; {KEPT}")


def _in_all(config: ModelConfig) -> dict[str, Sequence[object]]:
    """What all families have alike, key by key."""
    own_scale = (config.width // config.num_heads) ** -0.5
    return {
        "norm": ("layer",),
        "norm_epsilon": (None, 1e-5),
        "activation": tuple(PLAIN),
        "attention_scale": (None, own_scale) if config.decoder_heads is None else (None,),
        "logits_scale": (1.0,),
        **skeleton(config),
    }


def skeleton(config: ModelConfig) -> dict[str, Sequence[object]]:
    """What other programs take for granted: text in, two stacks alike, heads that divide the width, added positions."""
    own_width = config.width // config.num_heads
    names = {config.attention} if isinstance(config.attention, str) else set(config.attention)
    return {
        "kind": ("transformer",),
        "source": (Text(),),
        "encoder": (EncoderShape(),),
        "bridge": (False,),
        "num_groups": (None, config.num_heads) if config.decoder_heads is None else (None,),
        "key_width": (None, own_width),
        "value_width": (None, own_width),
        "decoder_heads": (None, config.num_heads) if config.key_width else (config.decoder_heads,),
        "position": ("sinusoidal", "evenly_spaced", "learned"),
        "attention": UNTRAINED if names & TRAINED else (config.attention,),
        "encoder_attention": ("dense",),
    }


def _in_one(config: ModelConfig, one: Form, pad: int) -> dict[str, Sequence[object]]:
    """What one family fixes beside what it is chosen by."""
    any_size = (config.target_vocabulary_size,)
    return {
        "position_offset": (pad + 1 if one.model_type == "m2m_100" else 0,),
        "logits_bias": (True, False) if one.logits_bias else (False,),
        "target_vocabulary_size": any_size if one.own_target else (None, config.vocabulary_size),
    }
