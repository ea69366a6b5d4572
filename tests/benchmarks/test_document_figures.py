"""The tables on encoders and documents hold what the files hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import document_figures
import figures


def way(seconds: float) -> dict[str, Any]:
    return {"cpu_s": {"median": seconds, "runs": 3}, "peak_mb": 1234.5}


def test_an_encoder_has_a_line_with_a_cell_for_each_length(tmp_path: Path) -> None:
    rows = [
        {"what": "encode", "length": 2048, "ways": {"local": way(0.25)}},
        {"what": "encode", "length": 1024, "ways": {"dense": way(3), "local": way(0.125)}},
        {"what": "train", "length": 1024, "ways": {"dense": way(7)}},
    ]
    (tmp_path / "x.json").write_text(json.dumps({"results": rows}), encoding="utf-8")
    found = document_figures.encoder_table(tmp_path / "x.json")
    assert "| reading a source | 1,024 | 2,048 |" in found
    assert "| dense | 3 s, 1,234 MB | not run |" in found
    assert "| local | 0.125 s, 1,234 MB | 0.25 s, 1,234 MB |" in found
    assert "| training on it | 1,024 |\n|---|---:|\n| dense | 7 s, 1,234 MB |" in found


def test_documents_have_a_line_a_way(tmp_path: Path) -> None:
    of = {"bleu": 12.34, "chrf": 56.78, "length_ratio": 0.987}
    scored = {"documents": of, "with_a_4gram_twice": 3, "cpu_seconds": 9}
    sets = {"one": {"line by line": scored, "whole": scored}, "two": {"line by line": scored}}
    (tmp_path / "x.json").write_text(json.dumps({"documents": 5, "lines": 7, "test_sets": sets}), encoding="utf-8")
    found = document_figures.document_table(tmp_path / "x.json")
    assert "5 documents of 7 lines each:" in found
    assert "| line by line | 12.3 | 56.8 | 0.99 | 3 | 9 s | 12.3 | 56.8 | 0.99 | 3 | 9 s |" in found
    assert "| whole | 12.3 | 56.8 | 0.99 | 3 | 9 s | not run |" in found


def test_what_was_not_measured_is_not_there(tmp_path: Path) -> None:
    assert document_figures.encoder_table(tmp_path / "none.json") == ""
    assert document_figures.document_table(tmp_path / "none.json") == ""


def test_a_page_may_have_several_tables() -> None:
    main, other = ([f"<!-- figures{of}: {mark} -->\n" for mark in ("begin", "end")] for of in ("", " of x"))
    page = "a\n" + main[0] + "old\n" + main[1] + other[0] + other[1] + "b\n"
    first = figures.filled(page, "new\n")
    assert first == page.replace("old", "new")
    assert figures.filled(first, "more\n", "x") == first.replace(other[0], other[0] + "more\n")
