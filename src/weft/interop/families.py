"""Every family of checkpoints that weft reads, by the `model_type` of their `config.json`: the one table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from weft.base.errors import UnsupportedError
from weft.interop import bart, fsmt, t5, vision, whisper
from weft.interop.fields import Fields
from weft.interop.generation import GenerationFields
from weft.interop.names import Names
from weft.models.config import ModelConfig


@dataclass(frozen=True)
class Family:
    """How a family is read: the fields of its configuration, the shape they describe, its names, what it ties."""

    fields: type[Fields]
    shape: Callable[[Any], ModelConfig]
    """The model's shape, but for ties and the bias of the logits: these are seen in the tensors."""
    names: Callable[[Any], Names]
    ties: Callable[[Any], tuple[frozenset[str], ...]]
    """Groups of token tables that are one table: a file need hold only one of each group."""
    generation: type[GenerationFields] = GenerationFields
    ignore: frozenset[str] = frozenset()
    """Keys of this family alone that change no number."""


FAMILIES: dict[str, Family] = {
    "marian": Family(bart.MarianFields, bart.marian_shape, lambda _: bart.MARIAN, bart.marian_ties),
    "bart": Family(bart.PlainBartFields, bart.bart_shape, lambda _: bart.BART, bart.bart_ties),
    "mbart": Family(bart.MBartFields, bart.mbart_shape, lambda _: bart.MBART, bart.bart_ties),
    "pegasus": Family(bart.PegasusFields, bart.pegasus_shape, lambda _: bart.PEGASUS, bart.bart_ties),
    "m2m_100": Family(bart.M2M100Fields, bart.m2m100_shape, lambda _: bart.M2M100, bart.bart_ties),
    "fsmt": Family(fsmt.FsmtFields, fsmt.fsmt_shape, lambda _: fsmt.NAMES, fsmt.ties),
    "t5": Family(t5.T5Fields, t5.t5_shape, t5.names, t5.ties),
    "mt5": Family(t5.MT5Fields, t5.mt5_shape, t5.names, t5.ties),
    "umt5": Family(t5.UMT5Fields, t5.umt5_shape, t5.names, t5.ties),
    "whisper": Family(
        whisper.WhisperFields,
        whisper.whisper_shape,
        lambda _: whisper.WHISPER,
        whisper.whisper_ties,
        generation=whisper.WhisperGeneration,
        ignore=whisper.CHANGES_NOTHING,
    ),
    "vision-encoder-decoder": Family(
        vision.VisionFields, vision.vision_shape, vision.names, vision.vision_ties, ignore=vision.CHANGES_NOTHING
    ),
}


def family(model_type: object, *, where: str) -> Family:
    """The family of a `model_type`; UnsupportedError names those there are."""
    if not isinstance(model_type, str) or model_type not in FAMILIES:
        raise UnsupportedError(
            f"{where}: wanted a model_type that weft reads, which are {', '.join(sorted(FAMILIES))}, got {model_type!r}"
            "; choose another checkpoint"
        )
    return FAMILIES[model_type]
