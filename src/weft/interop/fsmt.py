"""FSMT, fairseq's models of WMT 2019: BART's layers, tensor2tensor's sinusoids, a vocabulary for each language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import PositiveInt

from weft.interop.bart import COMPUTED, UNUSED, BartFields, layers, shape
from weft.interop.names import Names, Tables
from weft.models.config import ModelConfig


class FsmtFields(BartFields):
    """FSMT; `vocab_size` is another name of the target's."""

    same: ClassVar[Mapping[str, str]] = {**BartFields.same, "vocab_size": "tgt_vocab_size"}

    langs: tuple[str, ...] = ("en", "de")
    src_vocab_size: PositiveInt = 42024
    tgt_vocab_size: PositiveInt = 42024
    activation_function: str = "relu"
    scale_embedding: bool = True
    tie_word_embeddings: bool = False
    decoder: dict[str, Any] | None = None
    """Of old files: repeats the decoder's part."""


def fsmt_shape(fields: FsmtFields) -> ModelConfig:
    """Norm after each sub-layer; sinusoids counted from the number behind that of padding."""
    return shape(
        fields,
        vocabulary_size=fields.src_vocab_size,
        target_vocabulary_size=fields.tgt_vocab_size,
        norm_position="post",
        position="evenly_spaced",
        position_offset=(fields.pad_token_id or 0) + 1,
    )


TOKENS = Tables(
    source="model.encoder.embed_tokens.weight",
    target="model.decoder.embed_tokens.weight",
    projection="model.decoder.output_projection.weight",
    shared="model.decoder.embed_tokens.weight",
)


def ties(fields: FsmtFields) -> tuple[frozenset[str], ...]:
    """All or nothing, and nothing is usual."""
    return (frozenset(TOKENS),) if fields.tie_word_embeddings else ()


NAMES = Names(layers("after"), TOKENS, computed=COMPUTED, unused=UNUSED)
