"""`weft convert`: forms, the hub, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import Weft

from weft import publishing
from weft.interop import hub


def test_a_model_is_written_in_another_form(weft: Weft, tmp_path: Path) -> None:
    result = weft("convert", "two", tmp_path / "there", "--to", "hf")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    assert (tmp_path / "there" / "tokenizer_config.json").is_file()


def test_a_taken_folder_is_one_line_and_status_2(weft: Weft, tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    result = weft("convert", "two", tmp_path / "taken", "--to", "ct2")
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert "wanted a new or empty folder" in result.stderr


def test_the_hub_is_a_source_and_a_target(weft: Weft, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[tuple[str, ...]] = []

    def push(source: str, repo: str) -> str:
        said.append(("push", source, repo))
        return "https://hub/me/two"

    monkeypatch.setattr(hub, "fetch", lambda _, pickle: tmp_path)
    monkeypatch.setattr(publishing, "push", push)
    monkeypatch.setattr(publishing, "pull", lambda repo, folder: said.append(("pull", repo, str(folder))))
    result = weft("convert", "two", "hf:me/two")
    assert (result.exit_code, result.stderr) == (0, "weft: pushed to https://hub/me/two\n")
    assert weft("convert", "two", "hf:me/two", "--quiet").stderr == ""
    assert weft("convert", "hf:me/two", tmp_path / "mine").exit_code == 0
    assert said == [("push", "two", "hf:me/two")] * 2 + [("pull", "hf:me/two", str(tmp_path / "mine"))]


def test_what_makes_no_sense_is_refused(weft: Weft, tmp_path: Path) -> None:
    result = weft("convert", "two", "hf:me/two", "--to", "hf")
    assert result.exit_code == 2
    assert "a target on the hub wants --to weft, got hf; convert to a folder first" in result.stderr
    result = weft("convert", "two", tmp_path / "three")
    assert result.exit_code == 2
    assert "two: wanted a checkpoint, got none; a model of weft's leaves with --to hf or --to ct2" in result.stderr
