"""Small random models of transformers that read sound and pictures; lively, as `borrowed` says."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.interop.borrowed import BART, EOS, PAD, VOCABULARY, enliven, tell_apart

from weft.base.padded import Padded

transformers = pytest.importorskip("transformers")

START = 3
FRAMES, BANDS = 26, 5
HEIGHT, WIDTH, PATCH = 6, 9, 3
WHISPER = {
    key: value
    for key, value in BART.items()
    if key not in ("max_position_embeddings", "forced_eos_token_id", "decoder_attention_heads")
} | {
    "num_mel_bins": BANDS,
    "decoder_attention_heads": 4,
    "max_source_positions": FRAMES // 2,
    "max_target_positions": 31,
    "decoder_start_token_id": START,
    "begin_suppress_tokens": [5, EOS],
    "suppress_tokens": [7, 8, 9],
}
VIT = {
    "hidden_size": 20,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 31,
    "image_size": [HEIGHT, WIDTH],
    "patch_size": PATCH,
}
TROCR = {
    "vocab_size": VOCABULARY,
    "d_model": 24,
    "decoder_layers": 3,
    "decoder_attention_heads": 3,
    "decoder_ffn_dim": 37,
    "max_position_embeddings": 61,
    "pad_token_id": PAD,
    "eos_token_id": EOS,
    "bos_token_id": 0,
    "decoder_start_token_id": EOS,
}
PICTURES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "vit, trocr": ("ViTConfig", {**VIT, "qkv_bias": False}, {**TROCR, "cross_attention_hidden_size": 20}),
    "deit, trocr": ("DeiTConfig", VIT, {**TROCR, "use_learned_position_embeddings": False}),
    "vit, one width": (
        "ViTConfig",
        {**VIT, "hidden_size": 24, "patch_size": [2, 3], "hidden_act": "relu"},
        {**TROCR, "layernorm_embedding": False, "tie_word_embeddings": False, "activation_function": "relu"},
    ),
}
CASES = ("whisper", *PICTURES)
SPREAD, LOUD = {"whisper": 2.0}, 1.5
"""See `borrowed.make`: with larger ones two orders of summing part ways by more than 1e-5."""
SEEDS = {"whisper": 7, "vit, trocr": 29, "deit, trocr": 7, "vit, one width": 58}
"""Of weights with which outputs are lively, as `test_media_search.py` asserts."""


def make(name: str, seed: int | None = None, **changes: Any) -> Any:
    """A lively model: see `borrowed.make`."""
    with torch.random.fork_rng():
        torch.manual_seed(SEEDS[name] if seed is None else seed)
        model = (_whisper(**changes) if name == "whisper" else _vision(name, **changes)).eval()
        for key, parameter in model.named_parameters():
            if parameter.requires_grad:
                enliven(key, parameter, SPREAD.get(name, 1.3))
        for _ in range(4):
            tell_apart(model, model.get_output_embeddings(), LOUD, **{model.main_input_name: drawn(model, 40)})
        eos = model.generation_config.eos_token_id
        model.get_output_embeddings().weight.data[eos] *= 2.4 if name.startswith("deit") else 1.6
    return model


def _whisper(**changes: Any) -> Any:
    return transformers.WhisperForConditionalGeneration(transformers.WhisperConfig(**(WHISPER | changes)))


def _vision(name: str, **changes: Any) -> Any:
    kind, encoder, decoder = PICTURES[name]
    config = transformers.VisionEncoderDecoderConfig.from_encoder_decoder_configs(
        getattr(transformers, kind)(**encoder), transformers.TrOCRConfig(**decoder), **changes
    )
    return transformers.VisionEncoderDecoderModel(config)


def drawn(model: Any, count: int) -> torch.Tensor:
    """Random sound or pictures, as transformers wants them."""
    if model.main_input_name == "input_features":
        return torch.randn(count, BANDS, FRAMES)
    return torch.randn(count, 3, HEIGHT, WIDTH)


def source(model: Any, given: torch.Tensor) -> Padded:
    """The same as weft wants it: frames, or patches."""
    if model.main_input_name == "input_features":
        values = given.transpose(1, 2)
    else:
        p, q = model.encoder.embeddings.patch_embeddings.projection.kernel_size
        values = given.unfold(2, p, p).unfold(3, q, q).permute(0, 2, 3, 1, 4, 5).flatten(1, 2)
    return Padded(values, torch.ones(values.shape[:2], dtype=torch.bool))
