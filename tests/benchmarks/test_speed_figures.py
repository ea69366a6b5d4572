"""The tables of docs/speed.md hold what the files hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import speed_figures


def program(ms: float, times: float) -> dict[str, Any]:
    return {"cpu_ms": {"median": ms, "runs": 3}, "times_transformers": {"median": times}}


def test_a_cell_is_a_row_and_attention_a_row_of_its_own(tmp_path: Path) -> None:
    programs = {name: program(100 / times, times) for times, name in enumerate(speed_figures.PROGRAMS, start=2)}
    programs[speed_figures.THEIRS] = program(1100, 1)
    programs |= {speed_figures.LOOKING: program(300, 0.3), speed_figures.ALIGNED: program(150, 0.7)}
    cell = {"shape": "tiny", "batch": 32, "source": 512, "beam": 1, "programs": programs}
    versions = {"torch": "7", "transformers": "11", "ctranslate2": "13"}
    around = {"machine": {"processor": "abacus"}, "versions": versions, "date": "2026-11-21T00:00"}
    (tmp_path / "against.json").write_text(json.dumps({"cells": [cell], "surroundings": around}), encoding="utf-8")
    found = speed_figures.tables(tmp_path)
    assert "| tiny | 32 | 512 | 1 | 1,100 | 2.00 × | 3.00 × | 4.00 × | 5.00 × | 3 |" in found
    assert "| tiny | 1 | 300 | 2.00 × |" in found
    assert "abacus, one thread; torch 7, transformers 11, CTranslate2 13; 2026-11-21" in found


def test_what_was_not_measured_is_not_there(tmp_path: Path) -> None:
    assert speed_figures.tables(tmp_path) == ""
