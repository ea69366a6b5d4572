"""A run in a process of its own, as a test asks for it: `python -m tests.training.run_tiny ASKED.json`."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import torch
from tests.training.tiny import recipe

from weft.runs.status import Status
from weft.runs.trainer import train
from weft.store import checkpoint
from weft.store import tensors as tensors_file


def run(asked: dict[str, Any]) -> None:
    """Trains as asked; with `kill`, the process kills itself from `step` on, at the first `place` that it comes to."""
    here = 0
    kill = asked.get("kill", {"step": sys.maxsize, "place": "update"})

    def die_at(place: str) -> None:
        if here >= kill["step"] and place == kill["place"]:
            os.kill(os.getpid(), signal.SIGKILL)

    def report(status: Status) -> None:
        nonlocal here
        here = status.step
        die_at("update")

    def stop() -> bool:
        die_at("before checkpoint")
        return False

    def write_tensors(path: Path, tensors: dict[str, torch.Tensor]) -> None:
        path.write_bytes(b"half")
        die_at("within checkpoint")
        tensors_file.write_tensors(path, tensors)

    checkpoint.write_tensors = write_tensors
    torch.set_num_threads(1)
    folder = Path(asked["folder"])
    chosen = recipe(**asked.get("recipe", {}))
    train(
        chosen, folder / asked["out"], data=folder, resume=asked.get("resume", False), device=torch.device("cpu"),
        report=report, stop=stop,
    )  # fmt: skip


if __name__ == "__main__":
    run(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
