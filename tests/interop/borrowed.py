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
SOURCES = [
    [5, 6, 7, 31, 9, 2],
    [8, 11, 2],
    [9, 4, 50, 6, 11, 7, 23, 24, 2],
    [40, 2],
    [12, 13, 14, 12, 13, 14, 2],
    [3, 44, 2],
    [21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 2],
    [33, 3, 33, 2],
    [16, 38, 41, 19, 2],
    [50, 49, 48, 2],
    [10, 2],
]
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
    "num_layers": 3,
    "num_decoder_layers": 2,
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
    "fsmt": (
        "FSMTConfig",
        "FSMTForConditionalGeneration",
        {key: value for key, value in BART.items() if key != "vocab_size"}
        | {"src_vocab_size": VOCABULARY, "tgt_vocab_size": 51, "scale_embedding": False},
    ),
    "t5": ("T5Config", "T5ForConditionalGeneration", T5),
    "t5 v1.1": (
        "T5Config",
        "T5ForConditionalGeneration",
        {**T5, "feed_forward_proj": "gated-gelu", "tie_word_embeddings": False},
    ),
    "mt5": ("MT5Config", "MT5ForConditionalGeneration", T5),
    "umt5": ("UMT5Config", "UMT5ForConditionalGeneration", {**T5, "feed_forward_proj": "gated-silu"}),
}


SEEDS = {
    "marian": 6,
    "marian, two vocabularies": 30,
    "marian, untied": 16,
    "bart": 7,
    "mbart": 12,
    "pegasus": 6,
    "m2m100": 3,
    "fsmt": 40,
    "t5": 30,
    "t5 v1.1": 4,
    "mt5": 4,
    "umt5": 6,
}
"""Of weights with which outputs are lively, as `test_search.py` asserts."""
TABLES = ("shared", "embed_tokens", "lm_head")


def make(
    name: str, *, seed: int | None = None, spread: float = 3.0, loud: float = 2.0, end: float = 1.6, **changes: Any
) -> Any:
    """A model of transformers whose outputs are lively: random weights alone would write one token for ever.

    What all states have in common is taken out of the tables of tokens, so that logits tell of what differs. A `spread`
    of weights above 1 makes layers say more, and rounding too; `loud` is the standard deviation of logits.
    """
    config_name, class_name, values = CASES[name]
    config = getattr(transformers, config_name)(**(values | changes))
    with torch.random.fork_rng():
        torch.manual_seed(SEEDS[name] if seed is None else seed)
        model = getattr(transformers, class_name)(config).eval()
        for key, parameter in model.named_parameters():
            if not ("embed_positions" in key and "Sinus" in str(model)):
                enliven(key, parameter, spread)
        for _ in range(4):
            tell_apart(model, _projection(model), loud, input_ids=torch.randint(3, VOCABULARY - 6, (40, 7)))
        _projection(model).weight.data[config.eos_token_id] *= end
        for key, buffer in model.named_buffers():
            if key == "final_logits_bias":
                torch.nn.init.normal_(buffer, 0.0, 0.3)
                buffer[:, config.eos_token_id] = 0.7
    return model


def _projection(model: Any) -> torch.nn.Linear:
    return getattr(model, "lm_head", None) or model.model.decoder.output_projection


@torch.no_grad()
def enliven(key: str, parameter: torch.Tensor, spread: float) -> None:
    """Weights with which layers say something."""
    if "norm" in key and key.endswith("weight"):
        torch.nn.init.normal_(parameter, 1.0, 0.3)
    elif parameter.dim() == 1:
        torch.nn.init.normal_(parameter, 0.0, 0.3)
    else:
        torch.nn.init.normal_(parameter, 0.0, spread * parameter.shape[-1] ** -0.5)


@torch.no_grad()
def tell_apart(model: Any, projection: torch.nn.Linear, loud: float, **source: torch.Tensor) -> None:
    """Logits that tell of what differs between 40 sources, with this standard deviation."""
    table = projection.weight
    target = torch.randint(3, len(table), (40, 5))
    heard: list[torch.Tensor] = []
    hook = projection.register_forward_pre_hook(lambda _, x: heard.append(x[0]))
    model(**source, decoder_input_ids=target, use_cache=False)
    hook.remove()
    states = heard[0].flatten(0, 1)
    mean = states.mean(0)
    table -= torch.outer(table @ mean, mean) / mean.square().sum()
    table *= loud / ((states - mean) @ table.T).std()


def save(model: Any, folder: Path, **how: Any) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save_pretrained(folder, **how)
    return folder
