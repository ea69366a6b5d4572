"""Any model finds out which of its heads align, and keeps that where it does no harm."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.interop.texts import KINDS, checkpoint
from tests.tiny import save_untrained

import weft
from weft.aligning import tuning
from weft.aligning.tuning import tune
from weft.alignment.settings import AlignmentSettings
from weft.base.errors import ConfigError, DataError, UnsupportedError
from weft.converting import adopt
from weft.store.config import read_config
from weft.store.reading import FILE_NAME

PAIRS = [
    ("the cat sat on a mat", "le monde"),
    ("the dog", "le chat"),
    ("a cat", "mat hello"),
    ("hello world", "bonjour le monde"),
]
TOY = [
    ("the red dog sleeps.", "sleeps dog red the."),
    ("the cat sings!", "sings cat the!"),
    ("the black book burns?", "burns book black the?"),
    ("the tree falls.", "falls tree the."),
]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WEFT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(scope="module")
def borrowed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("borrowed")
    for name in ("nllb", "marian, two vocabularies"):
        checkpoint(folder / name, name)
    return {name: folder / name for name in ("nllb", "marian, two vocabularies")}


@pytest.mark.parametrize("name", ["nllb", "marian, two vocabularies"])
def test_a_checkpoint_keeps_it_in_a_file_of_wefts(name: str, borrowed: dict[str, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(borrowed[name], tmp_path / "checkpoint"))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    way, plain = KINDS[name].way, weft.load(folder).translate(PAIRS[0][0], align=True, **KINDS[name].way)
    found = tune(folder, PAIRS, **way)
    assert (found.kept, found.num_pairs) == (folder / FILE_NAME, len(PAIRS))
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path != found.kept} == before
    again = weft.load(folder)
    assert again.config.alignment == found.choice.settings
    assert again.translate(PAIRS[0][0], align=True, **way).text == plain.text
    links = [each.pairs for each in weft.align(PAIRS, folder, **way)]
    assert links == [each.pairs for each in weft.align(PAIRS, again, **way)]
    adopt(folder, tmp_path / "mine")
    assert read_config(tmp_path / "mine").alignment == found.choice.settings


def test_what_lies_in_a_cache_keeps_it_at_home(
    borrowed: dict[str, Path], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("weft.translating.opening.fetch", lambda name, pickle: borrowed["nllb"])
    found = tune("hf:org/nllb", PAIRS, to="fr", from_="en")
    assert found.kept is not None
    assert found.kept.parent == home / "alignments"
    assert not (borrowed["nllb"] / FILE_NAME).exists()
    assert weft.load("hf:org/nllb").config.alignment == found.choice.settings


def test_what_ships_keeps_it_at_home_and_a_newer_one_wins(
    tiny_folder: Path, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "shipped" / "toy"))
    written = (folder / "config.json").read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr("weft.translating.opening.BUNDLED", folder.parent)
        first = tune(folder, TOY, to="rev")
    assert first.kept is not None
    assert first.kept.parent == home / "alignments"
    assert (folder / "config.json").read_bytes() == written
    assert weft.load(folder).config.alignment == first.choice.settings
    second = tune(folder, TOY[:3], to="rev")
    assert second.kept == folder / "config.json"
    assert not first.kept.exists()
    assert weft.load(folder).config.alignment == second.choice.settings


def test_what_is_found_aligns(tiny_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "toy"))
    found = tune(folder, TOY, to="rev")
    [alignment] = weft.align([("the red dog sleeps .", "sleeps dog red the .")], folder, to="rev")
    assert {(0, 3), (1, 2), (2, 1), (3, 0)} <= set(alignment.pairs)
    assert found.choice.table[0].agreement > 0.5


def test_a_model_of_both_languages_is_read_both_ways(
    borrowed: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("weft.translating.opening.fetch", lambda name, pickle: borrowed["nllb"])
    seen: list[tuple[str, str]] = []
    real = tuning.choose_alignment

    def choose(model, config, tokenizer, pairs, **how):  # type: ignore[no-untyped-def]
        seen.extend((source, target) for source, target, _ in pairs)
        return real(model, config, tokenizer, pairs, **how)

    monkeypatch.setattr(tuning, "choose_alignment", choose)
    tune("hf:org/nllb", PAIRS, to="fr", from_="en")
    assert seen == PAIRS + [(target, source) for source, target in PAIRS]


def test_a_head_that_was_taught_keeps_its_place(tmp_path: Path) -> None:
    folder = save_untrained(tmp_path / "taught", kind="transformer", alignment_head={"layer": 1, "head": 0})
    written = (folder / "config.json").read_bytes()
    found = tune(folder, TOY, to="fr")
    assert (found.kept, found.choice.table) == (None, ())
    assert (folder / "config.json").read_bytes() == written


def test_pairs_of_no_use_are_passed_over(tiny_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "toy"))
    found = tune(folder, [("", "x"), ("the dog " * 99, "le"), *TOY, ("x", "")], to="rev")
    assert found.num_pairs == len(TOY)
    with pytest.raises(DataError, match="needs sentence pairs with tokens on both sides, got none; give dev pairs"):
        tune(folder, [("", "x")], to="rev")


def test_what_cannot_be_tuned_is_said(tmp_path: Path, borrowed: dict[str, Path]) -> None:
    with pytest.raises(UnsupportedError, match="no cross-attention to align by"):
        tune(save_untrained(tmp_path / "other", kind="recurrent"), TOY, to="fr")
    with pytest.raises(ConfigError, match="from must be given: this model needs it with the source"):
        tune(borrowed["nllb"], PAIRS, to="fr")
    with pytest.raises(ConfigError, match="say with from and to which languages"):
        tune(borrowed["nllb"], PAIRS)


def test_the_reading_of_a_decoder_with_heads_of_its_own(borrowed: dict[str, Path]) -> None:
    """Its four heads and not the encoder's three are averaged where nothing was chosen."""
    translator = weft.load(borrowed["marian, two vocabularies"])
    assert translator.config.model.num_heads == 3
    assert translator.decoder.alignment == AlignmentSettings(layer=1, heads=(0, 1, 2, 3))
