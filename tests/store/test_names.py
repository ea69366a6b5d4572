from __future__ import annotations

import logging
import shutil
from pathlib import Path

import pytest

from weft.base.errors import ConfigError, UnsupportedError
from weft.store import names
from weft.store.folder import load


@pytest.fixture
def installed(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with the models "apple" and "two", and a bundled "two" and "zebra"."""
    home, bundled = tmp_path / "home", tmp_path / "bundled"
    for place, name in [(home, "apple"), (home, "two"), (bundled, "two"), (bundled, "zebra")]:
        shutil.copytree(folder, place / name)
    monkeypatch.setenv("WEFT_HOME", str(home))
    monkeypatch.setattr(names, "BUNDLED", bundled)
    return home


def test_names_come_before_folders_and_installed_before_bundled(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where a folder "two" stands
    assert names.find("two") == installed / "two"
    assert names.find("zebra") == tmp_path / "bundled" / "zebra"
    assert names.find("./two") == Path("two")
    assert names.find(Path("two")) == Path("two")
    assert load("apple").folder == installed / "apple"


def test_a_missing_model_names_the_nearest(installed: Path) -> None:
    with pytest.raises(ConfigError, match=r"wanted a model that is there, got 'aple'; did you mean apple\?"):
        names.find("aple")


def test_a_missing_model_names_those_there_are(installed: Path) -> None:
    with pytest.raises(ConfigError, match="got '/no/such'; known are apple, two, zebra"):
        load("/no/such")


def test_an_empty_name_is_no_model(installed: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(ConfigError, match="got ''; known are apple"):
        names.find("")


def test_without_any_model_the_message_says_where_they_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEFT_HOME", str(tmp_path))
    monkeypatch.setattr(names, "BUNDLED", tmp_path / "none")
    with pytest.raises(
        ConfigError, match=r"got 'x'; no model is installed in .*: give a folder that holds a config\.json"
    ):
        names.find("x")


def test_hub_names_say_what_they_wait_for() -> None:
    with pytest.raises(
        UnsupportedError, match="one of the Hugging Face hub; bring it here with `weft convert hf:org/name TARGET`"
    ):
        names.find("hf:org/name")


def test_a_swap_that_was_cut_off_is_undone_when_the_model_is_asked_for(folder: Path) -> None:
    folder.rename(folder.with_name(".two.old"))
    assert names.find(folder) == folder


def test_available_tells_what_weft_models_prints(installed: Path, caplog: pytest.LogCaptureFixture) -> None:
    (installed / "apple" / "config.json").write_text("{}", encoding="utf-8")
    (installed / ".two.part").mkdir()
    (installed / "notes.txt").touch()
    with caplog.at_level(logging.WARNING, logger="weft.store.names"):
        two, zebra = names.available()
    assert (two.name, zebra.name) == ("two", "zebra")
    assert two.folder == installed / "two"
    assert two.size_bytes == sum(path.stat().st_size for path in two.folder.iterdir())
    assert (two.licence, two.data, two.scores) == ("CC0-1.0", ("two sentences",), {"none BLEU": 0.5})
    assert [(pair.from_, pair.to) for pair in two.languages] == [("en", "fr"), ("en", "es")]
    assert "model apple is left out" in caplog.text


def test_default_is_the_first_that_fits(installed: Path) -> None:
    assert names.default("es", "en") == "apple"
    assert names.default("fr") == "apple"
    with pytest.raises(ConfigError, match="wanted a model from de to fr, got none; there are en-es, en-fr: choose"):
        names.default("fr", "de")
    with pytest.raises(ConfigError, match="wanted a model from any language to hi, got none"):
        names.default("hi")


def test_home_is_the_platforms_place_unless_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEFT_HOME", "~/mine")
    assert names.home() == Path.home() / "mine"
    monkeypatch.delenv("WEFT_HOME")
    assert names.home().parts[-2:] == ("weft", "models")
