"""The parts of benchmarks that could be wrong without anybody noticing."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch

import clock
import curves
import report
import shipped
from beam_memory import EOS, Repeated, untrained
from clock import Took
from weft.base.padded import pad
from weft.generation.search import search
from weft.generation.settings import SearchSettings


def test_cases_take_turns_and_the_order_turns_round() -> None:
    seen: list[str] = []
    took = clock.interleaved({name: lambda name=name: seen.append(name) for name in "ab"}, 3, warm_up=1)
    assert "".join(seen) == "ab" + "abbaab"
    assert [len(runs) for runs in took.values()] == [3, 3]


def test_ratios_are_of_pairs_not_of_medians() -> None:
    found = clock.ratios([Took(2, 4), Took(10, 10), Took(3, 9)], [Took(1, 1), Took(10, 5), Took(1, 3)])
    assert found["cpu"] == {"median": 3, "quartiles": [2.5, 3.5], "runs": 3}
    assert found["wall"]["median"] == 2


def test_one_value_is_its_own_quartiles() -> None:
    assert clock.spread([2.0]) == {"median": 2.0, "quartiles": [2.0, 2.0], "runs": 1}


def test_reports_hold_versions_and_machine_but_no_paths_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmarks/x.py", "--model", "/home/somebody/runs/en-fr", "--data", "../data"])
    report.write(tmp_path / "new" / "x.json", {"figure": 3}, packages=("numpy",))
    written = json.loads((tmp_path / "new" / "x.json").read_text(encoding="utf-8"))
    assert written["figure"] == 3
    around = written["surroundings"]
    assert around["command"] == "python benchmarks/x.py --model runs/en-fr --data ../data"
    assert set(around["versions"]) == {"python", "torch", "weft", "numpy"}
    assert around["machine"]["cores"] >= 1
    assert around["machine"]["memory_gb"] > 0


def test_digits_that_survive_are_counted_one_by_one() -> None:
    assert shipped.digits_kept("At 18:45 from gate 12.", "À 18 h 45 de la porte 21.") == (6, 6)
    assert shipped.digits_kept("In 2013.", "En 201.") == (3, 4)
    assert shipped.digits_kept("No number.", "7") == (0, 0)


def test_a_loop_is_four_words_that_stand_twice() -> None:
    assert shipped.loops("de la ville de la ville de la ville")
    assert not shipped.loops("the cat and the dog and the cow")


def test_the_table_says_what_is_wrong_with_a_line() -> None:
    assert shipped.table(["In 2013."], ["En 201."]).split("\n")[1] == "In 2013.\tEn 201.\t1 of 4 digits lost"


def test_memory_repeated_for_each_hypothesis_finds_what_shared_memory_finds() -> None:
    torch.manual_seed(3)
    with torch.inference_mode():
        model = untrained("tiny").double()
        source = pad([[7, 11, 13, 17, EOS], [5, 19, EOS]])
        found = []
        for each in (model, Repeated(model, beam=3)):
            result = search(
                each,
                each.encode(source),
                start=torch.tensor([1, 1]),
                source_lengths=torch.tensor([5, 3]),
                eos=EOS,
                settings=SearchSettings(beam=3, nbest=3, max_length=7),
            )
            found.append([[one.tokens for one in ranked] for ranked in result.hypotheses])
    assert found[0] == found[1]


def test_curves_are_drawn_from_a_log_and_quote_no_development_sentence(tmp_path: Path) -> None:
    lines = [
        {"step": step, "loss": 9 / step, "likelihood": 8 / step, "learning_rate": step / 1e3, "tokens": 1}
        for step in (1, 2, 3)
    ]
    lines += [{"step": 3, "dev": {"loss": 3.0, "bleu": 7.0}, "samples": [{"source": "secret"}]}]
    lines += [{"step": 3, "last": {"loss": 2.9, "bleu": 8.0}}]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    read = curves.read_log(tmp_path)
    assert "secret" not in json.dumps(read)
    figure = curves.drawn(read, "A run")
    figure.canvas.draw()
    assert "8.0 finished" in [text.get_text() for text in figure.axes[1].texts]


def test_curves_of_a_run_without_development_pairs(tmp_path: Path) -> None:
    lines = [
        {"step": 1, "likelihood": 8.0, "learning_rate": 1e-3},
        {"step": 2, "likelihood": 7.0, "learning_rate": 1e-3},
    ]
    figure = curves.drawn(lines, "A run")
    figure.canvas.draw()
    loss = figure.axes[0].lines[0]
    assert (list(loss.get_xdata()), list(loss.get_ydata())) == ([1, 2], [8.0, 7.0])
    assert not figure.axes[1].lines
