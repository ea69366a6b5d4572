"""`config.json` and `generation_config.json` of a model that leaves for Hugging Face: the way back of the way in."""

from __future__ import annotations

from typing import Any

from weft.interop.forms import PLAIN, Form
from weft.interop.generation import Specials
from weft.models.config import ModelConfig
from weft.store.config import SearchDefaults

POSITIONS = 1024
"""Tokens that a saved model reads and writes at most, where weft has no limit."""
_SENTENCE = 128  # source tokens of a long sentence: there a limit is a number, here it grows with the source
_STOPPING: dict[str, bool | str] = {"full": True, "likely": False, "certain": "never"}


def fields(config: ModelConfig, form: Form, specials: Specials) -> dict[str, Any]:
    """What `config.json` says of a model that `form` was found for."""
    return {
        "architectures": [form.architecture],
        "model_type": form.model_type,
        "is_encoder_decoder": True,
        "dtype": "float32",
        "vocab_size": config.vocabulary_size,
        "d_model": config.width,
        "encoder_layers": config.encoder_layers,
        "decoder_layers": config.decoder_layers,
        "encoder_attention_heads": config.num_heads,
        "decoder_attention_heads": config.decoder_heads or config.num_heads,
        "encoder_ffn_dim": config.feedforward_width,
        "decoder_ffn_dim": config.decoder_feedforward_width or config.feedforward_width,
        "max_position_embeddings": positions(config),
        "activation_function": PLAIN[config.activation],
        "dropout": config.dropout,
        "attention_dropout": config.attention_dropout,
        "activation_dropout": config.feedforward_dropout,
        "scale_embedding": config.embedding_scale == "root",
        "tie_word_embeddings": config.tie == "all" or (form.own_target and config.tie == "target"),
        **(_two_tables(config) if form.own_target and config.tie != "all" else {}),
        **ids(specials),
        "forced_eos_token_id": None,
    }


def _two_tables(config: ModelConfig) -> dict[str, Any]:
    return {"share_encoder_decoder_embeddings": False, "decoder_vocab_size": config.written_vocabulary_size}


def positions(config: ModelConfig) -> int:
    """How many tokens the saved model knows positions of."""
    return config.max_length if config.position == "learned" else POSITIONS


def ids(specials: Specials) -> dict[str, int | None]:
    """The special ids, as both files name them."""
    return {
        "pad_token_id": specials.pad,
        "bos_token_id": specials.bos,
        "eos_token_id": specials.eos,
        "decoder_start_token_id": specials.start,
    }


def generation(search: SearchDefaults, config: ModelConfig, specials: Specials) -> dict[str, Any]:
    """What `generation_config.json` says, so that transformers searches as weft does; what is off is left out.

    Its longest length counts the start token too. A limit that grows with the source becomes that of a long sentence.
    """
    longest = search.max_length
    if longest is None:
        longest = int((search.max_length_ratio or 0) * _SENTENCE) + search.max_length_offset
    asked = {
        "num_beams": search.beam,
        "length_penalty": search.length_penalty,
        "early_stopping": _STOPPING[search.stopping],
        "max_length": min(longest + 1, positions(config)),
        "min_length": search.min_length,
        "no_repeat_ngram_size": search.no_repeat_ngram,
        "suppress_tokens": list(search.banned) or None,
        "begin_suppress_tokens": list(search.banned_first) or None,
        "bad_words_ids": [list(tokens) for tokens in search.banned_sequences] or None,
        "forced_bos_token_id": search.forced_first,
        "forced_eos_token_id": specials.eos if search.forced_end else None,
        "renormalize_logits": search.renormalise or None,
    }
    return {key: value for key, value in asked.items() if value is not None} | ids(specials)
