"""The tables of models of several sources say what the files say, and leave out what was not measured."""

from __future__ import annotations

import json
from pathlib import Path

from fusion_figures import tables

AROUND = {"surroundings": {"machine": {"processor": "A"}, "versions": {"torch": "2"}, "date": "2026-11-21T1"}}
TEXT = {"all": {"bleu": 30.0, "interval": 1.25, "chrf": 50.5}, "pictured": {"bleu": 31.0, "interval": 2.0}}
GATED = {**TEXT, "without": {"bleu": 30.5, "interval": 2.0}, "incongruent": {"bleu": 29.0, "interval": 2.0}}


def test_models_and_memory_are_tables(tmp_path: Path) -> None:
    assert tables(tmp_path) == ""
    wins = {"incongruent": 0.625, "without": 0.5}
    models = {"text": TEXT, "gated": {**GATED, "shares": {"en": 0.75, "picture": 0.25}, "right_is_likelier_than": wins}}
    found = {
        "rows": 7,
        "pictured_rows": 3,
        "models": models,
        "p_all": {"gated": 0.041},
        "p_all_chrf": {"gated": 0.007},
        **AROUND,
    }
    (tmp_path / "fusion.pictures.json").write_text(json.dumps(found), encoding="utf-8")
    cases = [{"fusion": "concat", "sources": n, "megabytes": 2.5 * n, "step_ms": 4.0 + n} for n in (1, 2, 4)]
    memory = {"rows": 8, "length": 100, "beam": 5, "cases": cases, **AROUND}
    (tmp_path / "fusion.memory.json").write_text(json.dumps(memory), encoding="utf-8")
    page = tables(tmp_path)
    assert "| text | 30.0 ± 1.2 |  | 50.5 |  | 31.0 ± 2.0 |  |  |  |  |" in page
    gated = "| gated | 30.0 ± 1.2 | 0.041 | 50.5 | 0.007 | 31.0 ± 2.0 | 30.5 ± 2.0 | 29.0 ± 2.0 | 62% |"
    assert f"{gated} en 0.75, picture 0.25 |" in page
    assert "| concat | 2.5 MB, 5 ms | 5.0 MB, 6 ms | 10.0 MB, 8 ms |" in page
    assert "A; torch 2; 2026-11-21, `benchmarks/results/fusion.memory.json`." in page


def test_other_sets_of_rows_are_a_table_of_their_own(tmp_path: Path) -> None:
    scores = {"bleu": 30.0, "interval": 1.25, "chrf": 50.5}
    two = {"text": scores, "more": {**scores, "bleu": 32.0}}
    other = {"rows": 1014, "models": two, "p": {"more": 0.03}, "p_chrf": {"more": 0.002}}
    found = {"rows": 7, "pictured_rows": 3, "models": {"text": TEXT}, "p_all": {}, "sets": {"dev": other}, **AROUND}
    (tmp_path / "fusion.json").write_text(json.dumps(found), encoding="utf-8")
    page = tables(tmp_path)
    assert "| rows | text, BLEU | p | chrF | p | more, BLEU | p | chrF | p |" in page
    assert "| dev, 1,014 | 30.0 ± 1.2 |  | 50.5 |  | 32.0 ± 1.2 | 0.030 | 50.5 | 0.002 |" in page
