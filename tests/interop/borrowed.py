"""Small random models of transformers, one of each family, saved as checkpoints; lively, so that equality counts."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

transformers = pytest.importorskip("transformers")

VOCABULARY = 53
PAD, EOS = 1, 2
SOURCES = [[5, 6, 7, 31, 9, 2], [8, 11, 2], [9, 4, 50, 6, 11, 7, 23, 24, 2]]
BART = {
    "vocab_size": VOCABULARY,
    "d_model": 24,
    "encoder_layers": 2,
    "decoder_layers": 3,
    "encoder_attention_heads": 3,
    "decoder_attention_heads": 3,
    "encoder_ffn_dim": 37,
    "decoder_ffn_dim": 41,
    "max_position_embeddings": 61,
    "pad_token_id": PAD,
    "eos_token_id": EOS,
    "bos_token_id": 0,
    "decoder_start_token_id": EOS,
    "forced_eos_token_id": None,
}
T5 = {
    "vocab_size": VOCABULARY,
    "d_model": 24,
    "d_kv": 7,
    "d_ff": 37,
    "num_layers": 2,
    "num_decoder_layers": 3,
    "num_heads": 3,
    "relative_attention_num_buckets": 8,
    "relative_attention_max_distance": 11,
    "pad_token_id": PAD,
    "eos_token_id": EOS,
    "decoder_start_token_id": PAD,
}
CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "marian": (
        "MarianConfig",
        "MarianMTModel",
        {**BART, "activation_function": "swish", "scale_embedding": True, "decoder_start_token_id": PAD},
    ),
    "marian, two vocabularies": (
        "MarianConfig",
        "MarianMTModel",
        {**BART, "decoder_vocab_size": 47, "share_encoder_decoder_embeddings": False, "decoder_attention_heads": 4},
    ),
    "marian, untied": ("MarianConfig", "MarianMTModel", {**BART, "tie_word_embeddings": False}),
    "bart": ("BartConfig", "BartForConditionalGeneration", {**BART, "activation_function": "gelu"}),
    "mbart": ("MBartConfig", "MBartForConditionalGeneration", {**BART, "scale_embedding": True}),
    "pegasus": ("PegasusConfig", "PegasusForConditionalGeneration", {**BART, "activation_function": "relu"}),
    "m2m100": ("M2M100Config", "M2M100ForConditionalGeneration", BART),
    "t5": ("T5Config", "T5ForConditionalGeneration", T5),
    "t5 v1.1": (
        "T5Config",
        "T5ForConditionalGeneration",
        {**T5, "feed_forward_proj": "gated-gelu", "tie_word_embeddings": False},
    ),
    "mt5": ("MT5Config", "MT5ForConditionalGeneration", T5),
    "umt5": ("UMT5Config", "UMT5ForConditionalGeneration", {**T5, "feed_forward_proj": "gated-silu"}),
}


SPREAD = {"t5 v1.1": 1.3, "mt5": 1.3}
"""Of weights; gates multiply, and these do not scale their outputs down."""


def make(name: str, seed: int = 3, **changes: Any) -> Any:
    """A model of transformers whose outputs are lively: weights larger than any training would leave them."""
    config_name, class_name, values = CASES[name]
    config = getattr(transformers, config_name)(**(values | changes))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = getattr(transformers, class_name)(config).eval()
        for key, parameter in model.named_parameters():
            if "embed_positions" in key and not parameter.requires_grad:
                continue
            spread = 0.4 if parameter.dim() == 1 else SPREAD.get(name, 2.2) * parameter.shape[-1] ** -0.5
            centre = 1.0 if "norm" in key and key.endswith("weight") else 0.0
            torch.nn.init.normal_(parameter, centre, spread)
        for key, buffer in model.named_buffers():
            if key == "final_logits_bias":
                torch.nn.init.normal_(buffer, 0.0, 0.5)
    return model


def save(model: Any, folder: Path, **how: Any) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save_pretrained(folder, **how)
    return folder
