"""Conversion: whole or not at all, and what is written translates as the model did."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

import weft
from weft.base.errors import ConfigError, DataError, UnsupportedError
from weft.converting import WRITERS, adopt, convert
from weft.interop.write import write
from weft.store.verify import verify

TEXTS = ["the red dog sleeps.", "the cat sings!", "the white book burns?", "the green tree falls."]
FILES = ["README.md", "config.json", "generation_config.json", "model.safetensors", "tokenizer.json"]


@pytest.mark.parametrize("beam", [1, 4])
@pytest.mark.parametrize("to", ["fr", "rev"])
def test_transformers_writes_the_same(to: str, beam: int, there: Path, tiny_folder: Path) -> None:
    transformers = pytest.importorskip("transformers")
    theirs = transformers.AutoModelForSeq2SeqLM.from_pretrained(there)
    words = transformers.AutoTokenizer.from_pretrained(there)
    ours = weft.load(tiny_folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = theirs.generate(
            **words(TEXTS, return_tensors="pt", padding=True),
            decoder_start_token_id=words.convert_tokens_to_ids(f"<2{to}>"),
            num_beams=beam,
        )
    wanted = [one.text for one in ours.translate(TEXTS, to=to, beam=beam)]
    assert wanted[0] == {"fr": "le chien rouge dort.", "rev": "sleeps dog red the."}[to]
    assert words.batch_decode(found, skip_special_tokens=True) == wanted


def test_the_folder_says_how_it_is_used(there: Path, tiny_folder: Path) -> None:
    assert sorted(path.name for path in there.iterdir()) == [*FILES, "tokenizer_config.json"]
    card = (there / "README.md").read_text("utf-8")
    assert "in the form of PegasusForConditionalGeneration" in card
    assert "another `decoder_start_token_id` (rev: 4)" in card
    assert card.endswith((tiny_folder / "README.md").read_text("utf-8"))


def test_what_is_taken_is_not_touched(tiny_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"wanted a new or empty folder, got one that is taken"):
        convert(tiny_folder, tmp_path / "taken", to="hf")
    with pytest.raises(ConfigError, match=r"wanted a new or empty folder"):
        convert(tiny_folder, tmp_path / "taken" / "thesis.txt", to="ct2")
    assert [path.name for path in (tmp_path / "taken").iterdir()] == ["thesis.txt"]


def test_an_empty_folder_is_filled(tiny_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    convert(tiny_folder, tmp_path / "empty", to="hf")
    assert (tmp_path / "empty" / "config.json").is_file()


def test_a_full_disk_leaves_nothing(tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(stored: Any, folder: Path) -> None:
        write(stored, folder)
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(WRITERS, "hf", full)
    with pytest.raises(DataError, match="No space left on device; make room or choose another place"):
        convert(tiny_folder, tmp_path / "theirs", to="hf")
    assert not list(tmp_path.iterdir())


def test_sources_and_forms_that_are_not_there(tiny_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="to must be one of hf, ct2, got 'onnx'"):
        convert(tiny_folder, tmp_path / "theirs", to="onnx")
    with pytest.raises(ConfigError, match=r"wanted a model that is there, got 'nobody'"):
        convert("nobody", tmp_path / "theirs", to="hf")
    assert not list(tmp_path.iterdir())


def test_numbers_are_stored_as_they_are_computed_with(there: Path, tiny_folder: Path) -> None:
    from safetensors.torch import load_file

    assert {value.dtype for value in load_file(there / "model.safetensors").values()} == {torch.float32}


@pytest.mark.parametrize("beam", [1, 4])
def test_what_left_comes_back_whole(beam: int, there: Path, tiny_folder: Path, tmp_path: Path) -> None:
    ours, back = weft.load(tiny_folder), weft.load(there)
    assert back.languages == ours.languages
    assert back.tokenizer.fingerprint == ours.tokenizer.fingerprint
    for to in ("fr", "rev"):
        mine, theirs = (each.translate(TEXTS, to=to, beam=beam) for each in (ours, back))
        assert [one.text for one in theirs] == [one.text for one in mine]
        assert [one.score for one in theirs] == pytest.approx([one.score for one in mine], abs=1e-5)
    adopt(there, tmp_path / "again")
    assert verify(tmp_path / "again").ok
    again = weft.load(tmp_path / "again")
    assert [one.text for one in again.translate(TEXTS, to="fr")] == [one.text for one in back.translate(TEXTS, to="fr")]
    convert(there, tmp_path / "third", to="hf")
    assert (tmp_path / "third" / "model.safetensors").read_bytes() == (there / "model.safetensors").read_bytes()


@pytest.mark.parametrize("to", ["hf", "ct2"])
def test_a_checkpoint_of_somebody_elses_cannot_leave(to: str, tmp_path: Path) -> None:
    texts = pytest.importorskip("tests.interop.texts")
    texts.checkpoint(tmp_path / "marian", "marian")
    adopt(tmp_path / "marian", tmp_path / "mine")
    for source in ("marian", "mine"):
        with pytest.raises(UnsupportedError, match=f"{source}: .* got one that came with a checkpoint; the checkpoint"):
            convert(tmp_path / source, tmp_path / "there", to=to)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["marian", "mine"]


@pytest.mark.parametrize(("content", "message"), [("{", "wanted JSON, got"), ("[]", "wanted a JSON object, got list")])
def test_a_damaged_configuration_is_told(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        adopt(tmp_path, tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.fixture(scope="module")
def there(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model as a folder for transformers."""
    folder = tmp_path_factory.mktemp("out") / "tiny-hf"
    convert(tiny_folder, folder, to="hf")
    return folder
