"""The Whisper family: sound in, text out; what is asked for (language, task) stands before the text as tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import torch
from pydantic import PositiveInt

from weft.base.errors import ConfigError, UnsupportedError
from weft.base.shapes import Int, Tensor
from weft.interop.bart import FINAL_NORMS, StackFields, layers, shape
from weft.interop.generation import GenerationFields
from weft.interop.names import ZERO, Made, Names, Table, Tables
from weft.models.config import ModelConfig
from weft.models.encoder_decoder import EncoderDecoder


class WhisperFields(StackFields):
    """Whisper's configuration, with its defaults."""

    same: ClassVar[Mapping[str, str]] = {**StackFields.same, "num_key_value_heads": "encoder_attention_heads"}

    vocab_size: PositiveInt = 51865
    num_mel_bins: PositiveInt = 80
    d_model: PositiveInt = 384
    encoder_layers: PositiveInt = 4
    decoder_layers: PositiveInt = 4
    encoder_attention_heads: PositiveInt = 6
    decoder_attention_heads: PositiveInt = 6
    encoder_ffn_dim: PositiveInt = 1536
    decoder_ffn_dim: PositiveInt = 1536
    max_source_positions: PositiveInt = 1500
    max_target_positions: PositiveInt = 448
    dropout: float = 0.0
    scale_embedding: Literal[False] = False
    use_weighted_layer_sum: Literal[False] = False
    pad_token_id: int | None = 50256
    bos_token_id: int | None = 50256
    eos_token_id: int | None = 50256
    decoder_start_token_id: int | None = 50257


CHANGES_NOTHING = frozenset(
    [
        "apply_spec_augment",
        "classifier_proj_size",
        "mask_feature_length",
        "mask_feature_min_masks",
        "mask_feature_prob",
        "mask_time_length",
        "mask_time_min_masks",
        "mask_time_prob",
        "median_filter_width",
    ]
)
"""Of training and of classifiers, and how timestamps are smoothed, which weft does not find yet."""


class WhisperGeneration(GenerationFields):
    """What stands before the text. Timestamps are not written yet."""

    forced_decoder_ids: list[tuple[int, int | None]] | None = None
    """Place and token; no token: the language that is heard."""
    lang_to_id: dict[str, int] | None = None
    task_to_id: dict[str, int] | None = None
    no_timestamps_token_id: int | None = None
    prev_sot_token_id: int | None = None
    is_multilingual: bool | None = None
    language: str | None = None
    task: str | None = None
    alignment_heads: list[tuple[int, int]] | None = None
    """Layer and head of cross-attention sites that follow the sound, for timestamps."""
    max_initial_timestamp_index: int | None = None
    return_timestamps: Literal[False] | None = None
    median_filter_width: int | None = None


def whisper_shape(fields: WhisperFields) -> ModelConfig:
    """Norm before each sub-layer; the encoder's positions are sinusoids that the file has, so they are read."""
    sound = {
        "modality": "sound",
        "bands": fields.num_mel_bins,
        "positions": fields.max_source_positions,
        "position": "learned",
    }
    positions = {"position": "learned", "max_length": fields.max_target_positions}
    return shape(fields, source=sound, norm_position="pre", **positions)


TOKENS = Tables(
    source="model.decoder.embed_tokens.weight",
    target="model.decoder.embed_tokens.weight",
    projection="proj_out.weight",
    shared="model.decoder.embed_tokens.weight",
)


def whisper_ties(fields: WhisperFields) -> tuple[frozenset[str], ...]:
    """The table of tokens and the projection."""
    return (frozenset(TOKENS),) if fields.tie_word_embeddings else ()


BIASES: Table = {  # keys have none
    f"{side}.layers.{{i}}.attention.sublayer.qkv.bias": Made(
        (f"model.{side}.layers.{{i}}.self_attn.q_proj.bias", ZERO, f"model.{side}.layers.{{i}}.self_attn.v_proj.bias")
    )
    for side in ("encoder", "decoder")
} | {
    "decoder.layers.{i}.cross_attention.sublayer.kv.bias": Made(
        (ZERO, "model.decoder.layers.{i}.encoder_attn.v_proj.bias")
    )
}
ENDS: Table = {
    "encoder.embed.widen": "model.encoder.conv1",
    "encoder.embed.halve": "model.encoder.conv2",
    "encoder.embed.position.table.weight": Made(("model.encoder.embed_positions.weight",)),
    "decoder.embed.position.table.weight": Made(("model.decoder.embed_positions.weight",)),
}
WHISPER = Names({**BIASES, **layers("before"), **FINAL_NORMS, **ENDS}, TOKENS)


def prompt(asked: GenerationFields, *, language: str | None = None, task: str | None = None) -> tuple[int, ...]:
    """The tokens between the start and the text: language ("en"), task ("transcribe", "translate"), no timestamps.

    What is not given is as the checkpoint's settings say; a model of one language has neither. Raises ConfigError if
    the language is still open (`heard` finds it) or not among the model's, UnsupportedError for no Whisper.
    """
    if not isinstance(asked, WhisperGeneration):
        raise UnsupportedError(
            "wanted the generation settings of a Whisper model, got others; give no language or task"
        )
    language, task = language or asked.language, task or asked.task
    forced = dict(asked.forced_decoder_ids or ())
    if not asked.lang_to_id:
        for name, value in (("language", language), ("task", task)):
            if value is not None:
                raise ConfigError(f"{name} {value!r} wants a multilingual model, got one that knows none; leave it out")
        return _no_timestamps(asked, tuple(token for _, token in sorted(forced.items()) if token is not None))
    tokens = asked.task_to_id or {}
    spoken = forced.get(1) if language is None else _token(languages(asked), language, "language")
    if spoken is None:
        raise ConfigError(
            f"language wanted, got none; give one of {', '.join(languages(asked))}, or find it by hearing"
        )
    wanted = forced.get(2) if task is None and forced.get(2) is not None else tokens.get("transcribe")
    wanted = wanted if task is None else _token(tokens, task, "task")
    return _no_timestamps(asked, tuple(token for token in (spoken, wanted) if token is not None))


def languages(asked: WhisperGeneration) -> dict[str, int]:
    """The languages that a model knows, by their plain code, with their tokens."""
    return {name.strip("<|>"): token for name, token in (asked.lang_to_id or {}).items()}


@torch.no_grad()
def heard(model: EncoderDecoder, memory: Any, asked: WhisperGeneration, *, start: int) -> list[str]:
    """The most probable language of each source of a memory: the one whose token the decoder would write first."""
    known = languages(asked)
    cache = model.init_cache(memory, beam=1, capacity=1)
    first: Int[Tensor, "b 1"] = torch.full((len(memory.keep), 1), start, device=memory.keep.device)
    logits, _ = model.step(first, cache)
    best = logits[:, 0, list(known.values())].argmax(-1).tolist()
    return [list(known)[number] for number in best]


def _no_timestamps(asked: WhisperGeneration, tokens: tuple[int, ...]) -> tuple[int, ...]:
    last = asked.no_timestamps_token_id
    return tokens if last is None or last in tokens[-1:] else (*tokens, last)


def _token(known: Mapping[str, int], name: str, what: str) -> int:
    if name not in known:
        raise ConfigError(f"{what} must be one of {', '.join(known)}, got {name!r}; choose one of them")
    return known[name]
