"""A run that is killed again and again ends as the one that never was: same weights, same log, bit for bit."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch
from tests.training.tiny import recipe, traces, write_corpora

from weft.runs.trainer import train
from weft.store.checkpoint import latest_step

ROOT = Path(__file__).parents[1]
STEPS, KILLS = 230, 5
CHANGED: dict[str, Any] = {
    "model": {"dropout": 0.2, "attention_dropout": 0.1},
    "training": {
        "steps": STEPS, "accumulate": 2, "ema": 0.9, "average_last": 2, "batch_tokens": 128,
        "log_every": 7, "validate_every": 41, "checkpoint_every": 11,
    },
}  # fmt: skip


def test_killed_five_times_it_ends_as_if_never_killed(tmp_path: Path) -> None:
    write_corpora(tmp_path)
    device = torch.device("cpu")
    assert train(recipe(**CHANGED), tmp_path / "whole", data=tmp_path, device=device)
    out = tmp_path / "killed"
    for number, kill in enumerate(kills()):
        died = train_in_a_process(tmp_path, {"out": "killed", "recipe": CHANGED, "resume": number > 0, "kill": kill})
        assert died.returncode == -signal.SIGKILL, died.stderr
        assert not (out / "last").exists()
        progress = json.loads((last_checkpoint(out) / "state.json").read_text(encoding="utf-8"))
        assert progress["progress"]["step"] <= kill["step"] + 10
    assert train(recipe(**CHANGED), out, data=tmp_path, resume=True, device=device)
    assert traces(out) == traces(tmp_path / "whole")
    assert {line["epoch"] for line in traces(out)["log"] if "epoch" in line} >= {0, 1, 2}


def kills() -> list[dict[str, Any]]:
    """A step in each fifth of the run, never that of a checkpoint, so that updates are lost; and where in the step."""
    generator = random.Random(2)
    steps = [generator.randrange(number * 44 + 12, number * 44 + 22) for number in range(KILLS)]
    places = ["update", "before checkpoint", "within checkpoint", "update", "before checkpoint"]
    return [{"step": step, "place": place} for step, place in zip(steps, places, strict=True)]


def last_checkpoint(out: Path) -> Path:
    return out / "checkpoints" / f"step-{latest_step(out / 'checkpoints'):08d}"


def train_in_a_process(folder: Path, asked: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """What became of a process that trains as asked, on one thread."""
    file = folder / "asked.json"
    file.write_text(json.dumps({"folder": str(folder), **asked}), encoding="utf-8")
    command = [sys.executable, "-m", "tests.training.run_tiny", str(file)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300)
