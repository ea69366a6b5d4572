"""The table of captions says what the file says."""

from __future__ import annotations

import json
from pathlib import Path

from caption_figures import table

ONE = {"bleu1": 45.28, "bleu2": 26.05, "bleu3": 15.5, "bleu4": 10.06, "cider": 0.1822, "cider_interval": [0.16, 0.2]}
FOUND = {
    "set": "some set, 7 pictures",
    "tokenizer": "white space",
    "captioner": ONE,
    "wrong picture": {**ONE, "cider": 0.1},
    "blind": {**ONE, "bleu1": 40.0},
    "ranking": {"right_beats_wrong": 0.75, "interval": [0.7, 0.8]},
    "pictures a CPU second": {"batch 1, beam 1": {"median": 38.7}, "batch 32, beam 5": {"median": 107.1}},
    "surroundings": {"machine": {"processor": "A"}, "versions": {"torch": "2"}, "date": "2026-11-21T1"},
}


def test_captions_are_a_table(tmp_path: Path) -> None:
    path = tmp_path / "captions.json"
    assert table(path) == ""
    path.write_text(json.dumps(FOUND), encoding="utf-8")
    page = table(path)
    assert "| the captioner | 45.3 | 26.1 | 15.5 | 10.1 | 0.182 (0.160 to 0.200) |" in page
    assert "| shown another picture | 45.3 | 26.1 | 15.5 | 10.1 | 0.100 (0.160 to 0.200) |" in page
    assert "| trained without pictures | 40.0 | 26.1 | 15.5 | 10.1 | 0.182 (0.160 to 0.200) |" in page
    assert "Some set, 7 pictures; words: white space. " in page
    assert "for 75.0% of them (70.0% to 80.0%)" in page
    assert "one thread: 39 (batch 1, beam 1), 107 (batch 32, beam 5). A, torch 2, 2026-11-21, `" in page
