"""Small models of weft's own, random and lively, in the shapes that leave for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from weft.base.padded import Padded, pad
from weft.data.tokenizer import EOS, Tokenizer
from weft.models.build import build
from weft.models.config import ModelConfig
from weft.store.config import LanguagePair, StoredConfig
from weft.store.folder import save

TEXTS = ["The big red dog sleeps.", "Le grand chien rouge dort."] * 3
SENTENCES = ["The big dog.", "A red dog sleeps, and sleeps.", "Dort!"]
SHAPE = {
    "width": 24,
    "num_heads": 3,
    "feedforward_width": 37,
    "encoder_layers": 2,
    "decoder_layers": 3,
    "max_length": 61,
}
LEARNED = {"position": "learned", "embedding_norm": True}


def make(folder: Path, languages: tuple[str, ...] = ("fr", "es"), **changes: Any) -> Path:
    """The folder of a model with biases, norms and tables that all differ from what they begin as."""
    words = Tokenizer.train(TEXTS, vocabulary_size=283, languages=languages)
    config = ModelConfig.model_validate({**SHAPE, "vocabulary_size": words.vocabulary_size, **changes})
    with torch.random.fork_rng():
        torch.manual_seed(5)
        model = build(config)
        for parameter in model.parameters():
            nn.init.normal_(parameter, float(parameter.dim() == 1), 0.3)
    pairs = tuple(LanguagePair(from_="en", to=language) for language in languages)
    save(folder, model.eval(), words, StoredConfig(model=config, languages=pairs), "# Random\n\nOf no use.\n")
    return folder


def batch(words: Tokenizer) -> tuple[Padded, torch.Tensor]:
    """Sources of several lengths, and targets that begin with a language."""
    sources = pad([[*words.encode(text).ids, EOS] for text in SENTENCES])
    targets = [[words.tag("fr"), *words.encode(text).ids[:4]] for text in reversed(SENTENCES)]
    return sources, pad(targets).values
