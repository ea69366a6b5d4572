"""The table of drawn scenes says what the file says."""

from __future__ import annotations

import json
from pathlib import Path

from scene_figures import rows, table

LOOKING = {"words": 11, "look_at_their_thing": 0.75, "by_chance": 0.125}
SEEN = {
    "scenes": 13,
    "true": 0.925,
    "true_of_one_two_three_things": [1.0, 0.95, 0.85],
    "name_all_things": 0.99,
    "true_of_another_scene": 0.015,
    "looking": LOOKING,
}
FOUND = {
    "model": {"parameters": 640_000},
    "seen": SEEN,
    "held_out": {**SEEN, "true": 0.515},
    "pictures_a_second": {"batch_1": 20.4, "batch_32": 130.6},
    "surroundings": {"machine": {"processor": "A"}, "versions": {"torch": "2"}, "date": "2026-11-21T1"},
}


def test_scenes_are_a_table_and_a_row(tmp_path: Path) -> None:
    path = tmp_path / "scenes.json"
    assert table(path) == ""
    path.write_text(json.dumps(FOUND), encoding="utf-8")
    page = table(path)
    assert "that met in training | 92.5% | 100.0% | 95.0% | 85.0% | 99.0% | 1.5% | 75.0% | 12.5% |" in page
    assert "that never met | 51.5% |" in page
    assert "13 scenes of each kind; pictures a second of processor time: 20 one by one, 131 in batches of 32. A" in page
    assert page.endswith("2026-11-21, `benchmarks/results/scenes.json`.\n")
    [(what, figure)] = rows(FOUND)
    assert "(0.6 M parameters)" in what
    assert figure == "92.5% of 13 new scenes; of another scene 1.5%"
