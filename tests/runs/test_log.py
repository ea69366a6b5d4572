"""The log of a run goes on after a stop as if there had been none, whatever a kill left in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from weft.base.errors import DataError
from weft.runs.log import RunLog, opened_logs

LINES: list[dict[str, Any]] = [
    {"step": 5, "loss": 2.5},
    {"step": 10, "loss": 1.25, "seconds": 0.1},
    {"step": 10, "dev": {"bleu": 1.5}, "samples": [{"translation": "one\u2028line\x85of\x1ctext\n"}]},
    {"step": 15, "loss": 1.0},
]


@pytest.fixture
def log(tmp_path: Path) -> RunLog:
    log = RunLog(tmp_path / "log.jsonl")
    for line in LINES:
        log.write(line)
    return log


def test_what_was_written_is_read(log: RunLog) -> None:
    assert log.read() == LINES
    assert len(log.path.read_bytes().split(b"\n")) == len(LINES) + 1


def test_a_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    log = RunLog(tmp_path / "run" / "log.jsonl")
    log.cut_after(7)
    assert log.read() == []
    assert not log.path.exists()


@pytest.mark.parametrize(("step", "kept"), [(0, 0), (4, 0), (5, 1), (9, 1), (10, 3), (14, 3), (15, 4), (99, 4)])
def test_lines_after_the_step_are_forgotten(log: RunLog, step: int, kept: int) -> None:
    log.cut_after(step)
    assert log.read() == LINES[:kept]


def test_what_is_kept_keeps_its_bytes(log: RunLog) -> None:
    before = log.path.read_bytes()
    log.cut_after(10)
    assert before.startswith(log.path.read_bytes())


def test_the_end_of_a_run_is_forgotten_when_it_is_resumed(log: RunLog) -> None:
    log.write({"step": 15, "last": {"bleu": 3.5}})
    log.cut_after(15)
    assert log.read() == LINES


@pytest.mark.parametrize("cut", [1, 7, 19])
def test_a_line_that_a_kill_cut_short_is_removed(log: RunLog, cut: int) -> None:
    with log.path.open("ab") as file:
        file.write(json.dumps({"step": 15, "name": "é" * 9}, ensure_ascii=False).encode()[:cut])
    assert log.read() == LINES
    log.cut_after(15)
    log.write({"step": 20})
    assert log.read() == [*LINES, {"step": 20}]


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("there is no /dev/full here")
    with pytest.raises(DataError, match=r"/dev/full: wanted to write a line, got: .*No space left.*; make room and"):
        RunLog(full).write({"step": 1})


def test_opened_logs_begin_after_the_checkpoint(log: RunLog) -> None:
    with opened_logs(log.path.parent, after=10, tensorboard=False) as logs:
        (only,) = logs
        only.write({"step": 11})
    assert log.read() == [*LINES[:3], {"step": 11}]
