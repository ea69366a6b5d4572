"""A small model, its tokenizer and its configuration: all that a folder holds."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from weft.alignment.settings import AlignmentSettings
from weft.data.tokenizer import Tokenizer
from weft.models.build import build
from weft.models.config import ModelConfig
from weft.store.config import About, LanguagePair, StoredConfig
from weft.store.folder import save

TEXTS = ["The big red dog sleeps.", "Le grand chien rouge dort."] * 3
CARD = "# A model of two sentences\n\nTrained on nothing, for tests. Élan.\n"


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return Tokenizer.train(TEXTS, vocabulary_size=283, languages=["fr", "es"])


@pytest.fixture
def config(tokenizer: Tokenizer) -> StoredConfig:
    model = ModelConfig(
        vocabulary_size=tokenizer.vocabulary_size,
        width=22,
        num_heads=2,
        feedforward_width=29,
        encoder_layers=1,
        decoder_layers=2,
    )
    return StoredConfig(
        model=model,
        languages=(LanguagePair(from_="en", to="fr"), LanguagePair(from_="en", to="es")),
        alignment=AlignmentSettings(layer=1, heads=(1,)),
        about=About(licence="CC0-1.0", data=("two sentences",), scores={"none BLEU": 0.5}),
    )


@pytest.fixture
def model(config: StoredConfig) -> nn.Module:
    return freshly_built(config, seed=3)


@pytest.fixture
def folder(tmp_path: Path, model: nn.Module, tokenizer: Tokenizer, config: StoredConfig) -> Path:
    """A saved model."""
    save(tmp_path / "two", model, tokenizer, config, CARD)
    return tmp_path / "two"


def freshly_built(config: StoredConfig, *, seed: int) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return build(config.model).eval()
