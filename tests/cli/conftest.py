"""A command line in this process, and two tiny untrained models that it finds by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import pytest
import torch
from typer.testing import CliRunner

from weft.alignment.settings import AlignmentSettings
from weft.cli.app import app
from weft.data.tokenizer import Tokenizer
from weft.models.build import build
from weft.models.config import ModelConfig
from weft.store.config import About, LanguagePair, SearchDefaults, StoredConfig
from weft.store.folder import save

TEXTS = ["The big red dog sleeps.", "Le grand chien rouge dort."] * 3


class Result(Protocol):
    """What a command left behind."""

    exit_code: int
    stdout: str
    stderr: str
    exception: BaseException | None


class Weft(Protocol):
    def __call__(self, *arguments: str | Path, input: str | bytes | None = None) -> Result: ...


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Installed models: `two` reads en and writes fr and es, `both` reads en and fr and writes es."""
    folder = tmp_path_factory.mktemp("home")
    two = (LanguagePair(from_="en", to="fr"), LanguagePair(from_="en", to="es"))
    both = (LanguagePair(from_="en", to="es"), LanguagePair(from_="fr", to="es"))
    for name, languages in (("two", two), ("both", both)):
        _save(folder / name, languages)
    return folder


@pytest.fixture
def weft(home: Path, monkeypatch: pytest.MonkeyPatch) -> Weft:
    """Runs a command. What ends it is an exit status, never another exception."""
    monkeypatch.setenv("WEFT_HOME", str(home))
    monkeypatch.setattr("weft.store.names.BUNDLED", home / "nowhere")
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments: str | Path, input: str | bytes | None = None) -> Any:
        result = CliRunner().invoke(app, [str(one) for one in arguments], input=input)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return run


def _save(folder: Path, languages: tuple[LanguagePair, ...]) -> None:
    tokenizer = Tokenizer.train(TEXTS, vocabulary_size=283, languages=["fr", "es"])
    shape = ModelConfig(
        vocabulary_size=tokenizer.vocabulary_size,
        width=22,
        num_heads=2,
        feedforward_width=29,
        encoder_layers=1,
        decoder_layers=2,
    )
    config = StoredConfig(
        model=shape,
        languages=languages,
        alignment=AlignmentSettings(layer=1, heads=(1,)),
        search=SearchDefaults(beam=2, max_length_ratio=0, max_length_offset=5),
        about=About(licence="CC0-1.0", data=("two sentences",), scores={"none BLEU": 0.5}),
    )
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = build(shape).eval()
    save(folder, model, tokenizer, config, "# A model of nothing\n")
