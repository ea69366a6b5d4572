"""Where an alignment is read: kept beside a model or at home, and found again, but not for other weights."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from weft.alignment.settings import AlignmentSettings
from weft.base.errors import ConfigError
from weft.store import reading
from weft.store.reading import FILE_NAME, find_reading, forget_reading, keep_reading

ONE = AlignmentSettings(layer=1, heads=(2, 3), shift=False)
OTHER = AlignmentSettings(layer=0, heads=(1,))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WEFT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    return tmp_path / "model"


def test_it_is_kept_in_the_folder(folder: Path, home: Path) -> None:
    assert find_reading(folder, "abc") is None
    assert keep_reading(folder, "abc", ONE) == folder / FILE_NAME
    assert find_reading(folder, "abc") == ONE
    assert not home.exists()


def test_without_a_folder_it_is_kept_at_home_until_there_is_a_newer_one(folder: Path, home: Path) -> None:
    assert keep_reading(None, "abc", ONE) == home / "alignments" / "abc.json"
    assert find_reading(folder, "abc") == ONE
    assert find_reading(folder, "abd") is None
    keep_reading(folder, "abc", OTHER)
    assert find_reading(folder, "abc") == OTHER
    assert not list(home.rglob("*.json"))
    forget_reading("abc")  # there is none any more


def test_a_folder_that_cannot_be_written_leaves_it_at_home(
    folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, closed = reading.whole_file, [folder]

    @contextmanager
    def whole_file(target: Path) -> Iterator[Path]:
        if target.parent in closed:
            raise PermissionError(13, "Permission denied")
        with real(target) as part:
            yield part

    monkeypatch.setattr(reading, "whole_file", whole_file)
    assert keep_reading(folder, "abc", ONE) == home / "alignments" / "abc.json"
    assert find_reading(folder, "abc") == ONE
    closed.append(home / "alignments")
    with pytest.raises(ConfigError, match=r"wanted to keep where the alignment is read in .*set WEFT_HOME to a folder"):
        keep_reading(folder, "abd", ONE)


def test_that_of_other_weights_is_passed_over_and_said(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    keep_reading(folder, "abc", ONE)
    with caplog.at_level(logging.WARNING, logger="weft"):
        assert find_reading(folder, "abd") is None
    assert "was found for other weights and is passed over; tune the model again" in caplog.text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "wanted where an alignment is read, got: "),
        ('{"fingerprint": "abc", "alinment": {}}', "key alignment is missing"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(folder: Path, content: str, message: str) -> None:
    (folder / FILE_NAME).write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=f"{FILE_NAME}: {message}"):
        find_reading(folder, "abc")
