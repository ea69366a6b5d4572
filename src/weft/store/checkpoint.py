"""Checkpoints of a training run: tensors as safetensors, numbers as JSON, whole or not at all, the oldest removed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from safetensors.torch import load_file

from weft.base.errors import DataError
from weft.base.snapshot import Snapshot
from weft.store.atomic import whole_folder
from weft.store.tensors import write_tensors

TENSORS, NUMBERS = "state.safetensors", "state.json"


def write_checkpoint(folder: Path, step: int, checkpoint: Snapshot, *, keep: int) -> Path:
    """Writes `folder/step-N`, then removes all but the `keep` latest. Raises DataError if it cannot be written.

    The older ones go only after the new one is complete on disk, so a full disk costs nothing but the new one.
    """
    target = folder / f"step-{step:08d}"
    try:
        with whole_folder(target) as part:
            write_tensors(part / TENSORS, checkpoint.tensors)
            (part / NUMBERS).write_text(json.dumps(checkpoint.numbers), encoding="utf-8")
    except OSError as error:
        raise DataError(
            f"{target}: wanted to write a checkpoint, got: {error}; make room and resume from the last good one"
        ) from error
    for old in checkpoints(folder)[:-keep]:
        shutil.rmtree(old)
    return target


def checkpoints(folder: Path) -> list[Path]:
    """The complete checkpoints of a run, oldest first."""
    return sorted(path for path in folder.glob("step-*") if (path / NUMBERS).is_file())


def latest_step(folder: Path) -> int:
    """The step of the latest complete checkpoint; 0 if there is none."""
    return max((int(path.name.removeprefix("step-")) for path in checkpoints(folder)), default=0)


def read_checkpoint(folder: Path) -> Snapshot:
    """What `write_checkpoint` wrote. Raises DataError if it is damaged."""
    try:
        numbers = json.loads((folder / NUMBERS).read_text(encoding="utf-8"))
        return Snapshot(load_file(folder / TENSORS), numbers)
    except Exception as error:
        raise DataError(
            f"{folder}: wanted a checkpoint, got: {error}; remove it and resume from the one before"
        ) from error
