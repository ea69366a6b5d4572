from __future__ import annotations

import errno
import json
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from weft.base.errors import ConfigError, DataError
from weft.statistical.aligner import StatisticalAligner
from weft.statistical.settings import StatisticalSettings
from weft.store.aligner import load_aligner, save_aligner

SETTINGS = StatisticalSettings(lexicon_iterations=2, jump_iterations=1, unaligned=0.3)
SOURCES = ["the dog sleeps", "the cat sleeps", "the dog", "a cat"]
TARGETS = ["le chien dort", "le chat dort", "le chien", "un chat"]


@pytest.fixture(scope="module")
def aligner() -> StatisticalAligner:
    return StatisticalAligner.train([s.split() for s in SOURCES], [t.split() for t in TARGETS], settings=SETTINGS)


@pytest.fixture
def folder(tmp_path: Path, aligner: StatisticalAligner) -> Path:
    save_aligner(tmp_path / "en-fr", aligner)
    return tmp_path / "en-fr"


def edit_config(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = folder / "config.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    change(data)
    path.write_text(json.dumps(data), encoding="utf-8")


def test_what_is_saved_is_what_is_loaded(folder: Path, aligner: StatisticalAligner) -> None:
    loaded = load_aligner(folder)
    assert loaded.settings == SETTINGS
    assert (loaded.source.words, loaded.target.words) == (aligner.source.words, aligner.target.words)
    assert all(torch.equal(tensor, aligner.tensors()[name]) for name, tensor in loaded.tensors().items())
    assert sorted(path.name for path in folder.iterdir()) == ["aligner.safetensors", "config.json", "vocabulary.json"]
    sentences = [["the", "dog"]], [["le", "chien"]]
    one, other = next(loaded.posteriors(*sentences)), next(aligner.posteriors(*sentences))
    assert (one.forward == other.forward).all()


def test_an_aligner_takes_the_place_of_another(folder: Path, aligner: StatisticalAligner) -> None:
    save_aligner(folder, aligner)
    assert load_aligner(folder).settings == SETTINGS


def test_other_folders_are_not_replaced(folder: Path, tmp_path: Path, aligner: StatisticalAligner) -> None:
    (folder / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"got one that holds thesis.txt; saving would delete them"):
        save_aligner(folder, aligner)
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigError, match="wanted a folder for an aligner, got a file"):
        save_aligner(tmp_path / "file", aligner)
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text('{"format": 1, "model": {}}', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"got one that holds config.json; saving would delete them"):
        save_aligner(model, aligner)


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path, aligner: StatisticalAligner) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (7, hard))
    try:
        with pytest.raises(DataError, match=f"wanted to write an aligner, got: .*{errno.EFBIG}.*; make room"):
            save_aligner(tmp_path / "full", aligner)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_no_aligner_is_told_apart(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere/config.json: wanted an aligner's configuration, got: No such file"):
        load_aligner(tmp_path / "nowhere")
    edit_config(folder, lambda data: data.pop("kind"))
    with pytest.raises(ConfigError, match=r"wanted the configuration of an aligner .*is this a model\?"):
        load_aligner(folder)
    (folder / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"config.json: wanted JSON, got"):
        load_aligner(folder)


def test_a_newer_format_is_told(folder: Path) -> None:
    edit_config(folder, lambda data: data.update(format=2, weft="9.9", novelty=1))
    with pytest.raises(ConfigError, match=r"format 2 was written by weft 9.9, .*reads up to format 1; update weft"):
        load_aligner(folder)


def test_an_unknown_key_names_the_nearest(folder: Path) -> None:
    edit_config(folder, lambda data: data["settings"].update(agreemnt=True))
    with pytest.raises(ConfigError, match=r"unknown key settings.agreemnt; did you mean agreement\?"):
        load_aligner(folder)


@pytest.mark.parametrize("name", ["vocabulary.json", "aligner.safetensors"])
def test_missing_and_damaged_files_are_told(folder: Path, name: str) -> None:
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[:-3])
    with pytest.raises(DataError, match=rf"{name}: damaged, truncated or of another aligner: wanted SHA-256"):
        load_aligner(folder)
    edit_config(folder, lambda data: data["checksums"].clear())
    with pytest.raises(DataError, match=name):
        load_aligner(folder)
    (folder / name).unlink()
    with pytest.raises(DataError, match=rf"{name}: wanted a file of an aligner, got: No such file"):
        load_aligner(folder)


def test_words_of_another_aligner_are_told(folder: Path, aligner: StatisticalAligner) -> None:
    edit_config(folder, lambda data: data["checksums"].clear())
    save_file({**aligner.tensors(), "null.source": torch.ones(99)}, folder / "aligner.safetensors")
    with pytest.raises(DataError, match=r"aligner.safetensors: wanted null.source as torch.float32 \[6\], got"):
        load_aligner(folder)
    (folder / "vocabulary.json").write_text('{"source": [1]}', encoding="utf-8")
    with pytest.raises(DataError, match=r"vocabulary.json: wanted the words of an aligner, got: Input should be"):
        load_aligner(folder)
