"""Checkpoints as translators: text in, what transformers writes out, aligned, and kept as a model of weft's."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.interop import tokenizer_folders as folders
from tests.interop.borrowed import make, save, transformers

import weft
from weft.base.errors import ConfigError, DataError
from weft.converting import adopt
from weft.store.config import ANY, LanguagePair
from weft.store.folder import save as save_stored
from weft.store.verify import verify

TEXT = "the cat sat on a mat"


def checkpoint(folder: Path, name: str, tokens: str, **changes: Any) -> Any:
    """A model of transformers with the tokenizer of its family beside it, saved in a folder."""
    folder.mkdir()
    folders.MAKERS[tokens][0](folder)
    theirs = make(name, **changes)
    theirs.generation_config.update(max_length=17, num_beams=3)
    save(theirs, folder)
    return theirs


@pytest.fixture(scope="module")
def marian(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("marian") / "checkpoint"
    size = 0
    probe = tmp_path_factory.mktemp("probe")
    folders.MAKERS["marian"][0](probe)
    size = len(json.loads((probe / "vocab.json").read_text("utf-8")))
    special = {"pad_token_id": size - 1, "eos_token_id": 0, "decoder_start_token_id": size - 1}
    theirs = checkpoint(folder, "marian", "marian", vocab_size=size, **special)
    folders.write(folder / "tokenizer_config.json", {"source_lang": "eng", "target_lang": "deu"})
    return folder, theirs


@pytest.fixture(scope="module")
def nllb(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("nllb") / "checkpoint"
    return folder, checkpoint(folder, "m2m100", "nllb", vocab_size=131)


def written(theirs: Any, tokenizer: Any, text: str, **asked: Any) -> str:
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        found = theirs.generate(**tokenizer(text, return_tensors="pt"), **asked)
    return str(tokenizer.decode(found[0], skip_special_tokens=True))


def test_marian_translates_as_in_transformers(marian: tuple[Path, Any]) -> None:
    folder, theirs = marian
    translator = weft.load(folder)
    assert translator.languages == (LanguagePair(from_="en", to="de"),)
    tokenizer = transformers.MarianTokenizer.from_pretrained(folder)
    assert translator.translate(TEXT, to="de").text == written(theirs, tokenizer, TEXT).strip()


def test_languages_are_codes_in_plain_words(nllb: tuple[Path, Any]) -> None:
    folder, theirs = nllb
    translator = weft.load(folder)
    assert LanguagePair(from_=ANY, to="fr") in translator.languages
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, src_lang="eng_Latn")
    first = tokenizer.convert_tokens_to_ids("fra_Latn")
    wanted = written(theirs, tokenizer, TEXT, forced_bos_token_id=first).strip()
    assert translator.translate(TEXT, to="fr", from_="en").text == wanted
    with pytest.raises(ConfigError, match="from"):
        translator.translate(TEXT, to="fr")


def test_what_is_borrowed_aligns_streams_and_scores(marian: tuple[Path, Any], nllb: tuple[Path, Any]) -> None:
    for (folder, _), way in ((marian, {"to": "de"}), (nllb, {"to": "fr", "from_": "en"})):
        translator = weft.load(folder)
        found = translator.translate(TEXT, align=True, **way)
        sources = {TEXT[slice(*link.source)] for link in found.alignment or ()}
        assert sources <= set(TEXT.split())
        assert "".join(translator.stream(TEXT, **way)) == found.text
        [score] = translator.score([(TEXT, "der hund")], align=True, **way)
        assert score.log_probability < 0


def test_a_checkpoint_becomes_a_model_of_wefts(marian: tuple[Path, Any], tmp_path: Path) -> None:
    translator = weft.load(marian[0])
    stored = translator.stored
    save_stored(tmp_path / "mine", stored.model, stored.tokenizer, stored.config, "# Borrowed\n")
    mine = weft.load(tmp_path / "mine")
    assert mine.translate(TEXT, to="de") == translator.translate(TEXT, to="de")
    assert mine.config.search == translator.config.search


def test_a_tokenizer_of_another_model_is_refused(tmp_path: Path) -> None:
    checkpoint(tmp_path / "odd", "m2m100", "nllb", vocab_size=59)
    with pytest.raises(DataError, match="belongs to another model"):
        weft.load(tmp_path / "odd")


def test_a_checkpoint_is_converted_whole_or_not_at_all(marian: tuple[Path, Any], tmp_path: Path) -> None:
    adopt(marian[0], tmp_path / "mine")
    assert verify(tmp_path / "mine").ok
    assert (
        weft.load(tmp_path / "mine").translate(TEXT, to="de").text == weft.load(marian[0]).translate(TEXT, to="de").text
    )
    with pytest.raises(ConfigError, match="wanted a new or empty folder"):
        adopt(marian[0], tmp_path / "mine")
    with pytest.raises(ConfigError, match="wanted a checkpoint, got none"):
        adopt(tmp_path / "mine", tmp_path / "again")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
