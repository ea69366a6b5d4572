"""Checkpoints as translators: what transformers writes for a page of texts, aligned, streamed, scored and kept."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.interop.borrowed import make, save
from tests.interop.texts import KINDS, checkpoint

import weft
from weft.base.errors import ConfigError, DataError, UnsupportedError
from weft.converting import adopt
from weft.store.config import ANY, LanguagePair
from weft.store.verify import verify

TEXT = "the cat sat on a mat"


@pytest.fixture(scope="module")
def marian(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("marian") / "checkpoint"
    checkpoint(folder, "marian")
    return folder


@pytest.fixture(scope="module")
def nllb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nllb") / "checkpoint"
    checkpoint(folder, "nllb")
    return folder


def test_languages_are_codes_in_plain_words(marian: Path, nllb: Path) -> None:
    assert weft.load(marian).languages == (LanguagePair(from_="en", to="fr"),)
    translator = weft.load(nllb)
    assert LanguagePair(from_=ANY, to="fr") in translator.languages
    with pytest.raises(ConfigError, match="from must be given: this model needs it with the source; choose one of ace"):
        translator.translate(TEXT, to="fr")
    with pytest.raises(
        ConfigError, match=r"translates \*-ace, \*-en, .* got a request for tlh_Latn; choose one of these"
    ):
        translator.translate(TEXT, to="tlh_Latn")


def test_what_is_borrowed_streams_scores_and_keeps_what_it_read(marian: Path, nllb: Path) -> None:
    for folder, kind in ((marian, "marian"), (nllb, "nllb")):
        translator, way = weft.load(folder), KINDS[kind].way
        found = translator.translate(TEXT, align=True, **way)
        assert "".join(translator.stream(TEXT, **way)) == found.text
        assert translator.translate(translator.encode(TEXT, **way), **way).text == found.text
        [score] = translator.score([(TEXT, "der hund")], align=True, **way)
        assert score.log_probability < 0


def test_a_checkpoint_is_converted_whole_or_not_at_all(marian: Path, tmp_path: Path) -> None:
    adopt(marian, tmp_path / "mine")
    assert verify(tmp_path / "mine").ok
    mine, theirs = weft.load(tmp_path / "mine"), weft.load(marian)
    assert mine.translate(TEXT, to="fr", align=True) == theirs.translate(TEXT, to="fr", align=True)
    assert mine.config.search == theirs.config.search
    with pytest.raises(ConfigError, match="wanted a new or empty folder"):
        adopt(marian, tmp_path / "mine")
    with pytest.raises(ConfigError, match="wanted a checkpoint, got none"):
        adopt(tmp_path / "mine", tmp_path / "again")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def cut(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-99])


def lose(folder: Path) -> None:
    (folder / "source.spm").unlink()


@pytest.mark.parametrize(
    ("damage", "message"), [(cut, "cut off: .* wants bytes up to"), (lose, "wanted source.spm, got none")]
)
def test_of_a_damaged_checkpoint_nothing_is_written(damage: Any, message: str, marian: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(marian, tmp_path / "damaged"))
    damage(folder)
    with pytest.raises(DataError, match=message):
        adopt(folder, tmp_path / "mine")
    assert [path.name for path in tmp_path.iterdir()] == ["damaged"]


def test_a_tokenizer_of_another_model_is_refused(nllb: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(nllb, tmp_path / "odd"))
    save(make("m2m100", vocab_size=59), folder)
    with pytest.raises(DataError, match="belongs to another model"):
        weft.load(folder)


def test_a_tokenizer_that_weft_cannot_run_is_named(tmp_path: Path) -> None:
    folder = save(make("fsmt"), tmp_path / "fsmt")
    with pytest.raises(UnsupportedError, match=r"wanted one of MarianTokenizer, .*, got fsmt; weft has no"):
        weft.load(folder)
