from __future__ import annotations

import json
import lzma
import sys
from pathlib import Path

import pytest

import aligners
from weft.aligning.gold import read_gold

GOLD = "le chien\tthe dog\t0-0 1-1\nun chat dort\ta cat sleeps\t0-0 1-1 2?2\n"


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    path = tmp_path / "two.gold.tsv"
    path.write_text(GOLD, encoding="utf-8")
    return path


def test_links_are_scored_set_by_set(gold: Path) -> None:
    sets = {name: list(read_gold(gold)) for name in ("one", "other")}
    right, wrong = frozenset({(0, 0), (1, 1)}), frozenset({(1, 0)})
    scores = aligners.scored({"forward": [right, right, right, wrong]}, sets)
    assert aligners.row(scores["forward"])["sets"] == {"one": 0.0, "other": 42.86}
    found = aligners.against(scores["forward"], scores["forward"])
    assert found == {"points": 0.0, "interval": [0.0, 0.0]}


def test_training_text_is_read_packed_and_lower_cased_as_a_sample(tmp_path: Path) -> None:
    path = tmp_path / "text.tsv.xz"
    path.write_bytes(lzma.compress(b"The dog\tLe chien\nA cat\tUn chat\n"))
    pairs = [(["the", "dog"], ["le", "chien"]), (["a", "cat"], ["un", "chat"])]
    assert list(aligners.read_text([path, path], 4, "given")) == [*pairs, *pairs]
    [one] = aligners.read_text([path], 1, "given")
    assert one in pairs


def test_a_whole_run_is_written_down(
    tmp_path: Path, gold: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text, out = tmp_path / "text.tsv", tmp_path / "found.json"
    text.write_text("le chat\tthe cat\nun chien\ta dog\n", encoding="utf-8")
    monkeypatch.setattr(
        aligners, "in_its_own_process", lambda name, *rest: (aligners.ALIGNERS[name](*rest), aligners.Cost(1, 1, 1))
    )
    options = ["--train", str(text), "--gold", str(gold), "--aligners", "weft", "floors", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", ["aligners.py", *options])
    aligners.main()
    found = json.loads(out.read_text(encoding="utf-8"))
    assert (found["pairs"], found["gold"]) == (2, {"two": 2})
    assert found["aligners"]["weft"]["decisions"]["grow-diag"]["aer"] == 0.0
    assert found["aligners"]["floors"]["decisions"]["diagonal"]["aer"] == 0.0
    assert "grow-diag: {'aer': 0.0" in capsys.readouterr().out
