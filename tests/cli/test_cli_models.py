"""`weft models` and `weft inspect`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


def test_models_are_listed_as_pinned(weft: Any, home: Path) -> None:
    result = weft("models", "--format", "json")
    found = json.loads(result.stdout)
    assert result.exit_code == 0
    assert [model["name"] for model in found] == ["both", "two"]
    assert found[1] == {
        "name": "two",
        "languages": [{"from": "en", "to": "fr"}, {"from": "en", "to": "es"}],
        "size_bytes": sum(path.stat().st_size for path in (home / "two").iterdir()),
        "licence": "CC0-1.0",
        "data": ["two sentences"],
        "scores": {"none BLEU": 0.5},
    }


def test_models_for_people(weft: Any) -> None:
    blocks = weft("models").stdout.split("\n\n")
    assert [block.split()[0] for block in blocks] == ["both", "two"]
    assert "en to fr, en to es" in blocks[1]
    assert "none BLEU  0.50" in blocks[1]


def test_no_models_are_said_so(weft: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEFT_HOME", str(tmp_path))
    assert weft("models").stdout == f"no model is installed in {tmp_path}\n"
    assert json.loads(weft("models", "--format", "json").stdout) == []


def test_a_model_that_cannot_be_read_is_left_out_with_a_note(
    weft: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEFT_HOME", str(tmp_path))
    (tmp_path / "hurt").mkdir()
    (tmp_path / "hurt" / "config.json").write_text("{", encoding="utf-8")
    result = weft("models", "--format", "json")
    assert (result.exit_code, json.loads(result.stdout)) == (0, [])
    assert result.stderr.startswith("weft: model hurt is left out")
    assert weft("models", "--quiet").stderr == ""


def test_inspect_writes_one_page(weft: Any, tmp_path: Path) -> None:
    result = weft("inspect", "The <big> dog", "--to", "fr", "--output", tmp_path / "dog.html")
    page = (tmp_path / "dog.html").read_text(encoding="utf-8")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"weft: wrote {tmp_path / 'dog.html'}; open it in a browser\n"
    assert page.lower().startswith("<!doctype html>")
    assert "both" in page or "two" in page
    assert "<big>" not in page


def test_inspect_sets_a_model_or_a_reading_beside(weft: Any, tmp_path: Path) -> None:
    shown = tmp_path / "dog.html"
    for versus in ("unshifted", "two", "layer=0,heads=1"):
        result = weft("inspect", "The dog", "--to", "fr", "--output", shown, "--versus", versus, "--quiet")
        assert (result.exit_code, result.stderr) == (0, ""), versus
        assert 'data-panels="2"' in shown.read_text(encoding="utf-8")
    given = weft("inspect", "The dog", "--to", "fr", "--output", shown, "--target", "Le gros chien")
    assert given.exit_code == 0
    assert '<span class="word">gros</span>' in shown.read_text(encoding="utf-8")
    wrong = weft("inspect", "The dog", "--to", "fr", "--output", tmp_path / "x.html", "--versus", "mutual,unshiftd")
    assert wrong.exit_code == 2
    assert "unknown reading 'unshiftd'; did you mean unshifted?" in wrong.stderr
    assert not (tmp_path / "x.html").exists()


def test_inspect_leaves_no_page_where_there_is_nothing_to_show(weft: Any, tmp_path: Path) -> None:
    result = weft("inspect", "The dog", "--to", "hi", "--output", tmp_path / "dog.html")
    assert result.exit_code == 2
    assert not (tmp_path / "dog.html").exists()
    unwritable = weft("inspect", "The dog", "--to", "fr", "--output", tmp_path / "no" / "dog.html")
    assert unwritable.exit_code == 2
    assert "wanted a file to write" in unwritable.stderr
