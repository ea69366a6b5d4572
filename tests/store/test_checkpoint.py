"""Checkpoints are whole or not there, and the last good one stays."""

from __future__ import annotations

import errno
import math
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError

from weft.base.errors import DataError
from weft.base.snapshot import Snapshot
from weft.store import tensors
from weft.store.checkpoint import checkpoints, latest_step, read_checkpoint, write_checkpoint

NUMBERS = {"progress": {"step": 3, "best_score": -math.inf, "loss_sum": 0.1 + 0.2}, "batches": {"seed": 2**62}}


def snapshot(value: float = 0.5) -> Snapshot:
    matrix = torch.full((3, 5), value)
    return Snapshot({"model/a": matrix, "model/b": matrix.t()[1:], "optimizer/a/step": torch.tensor(7.0)}, NUMBERS)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path / "checkpoints", 3, snapshot(), keep=1)
    found = read_checkpoint(path)
    assert found.numbers == NUMBERS
    assert found.tensors.keys() == snapshot().tensors.keys()
    assert all(torch.equal(tensor, snapshot().tensors[name]) for name, tensor in found.tensors.items())


def test_only_the_latest_stay_in_the_order_of_their_steps(tmp_path: Path) -> None:
    for step in (9, 10, 100_000_000, 11):
        write_checkpoint(tmp_path, step, snapshot(), keep=3)
    assert [path.name for path in checkpoints(tmp_path)] == ["step-00000010", "step-00000011", "step-100000000"]
    assert latest_step(tmp_path) == 100_000_000


def test_without_a_folder_there_is_none(tmp_path: Path) -> None:
    assert checkpoints(tmp_path / "none") == []
    assert latest_step(tmp_path / "none") == 0


def test_a_step_is_written_again_in_place(tmp_path: Path) -> None:
    for value in (1.0, 2.0):
        path = write_checkpoint(tmp_path, 5, snapshot(value), keep=2)
    assert names(tmp_path) == ["step-00000005"]
    assert float(read_checkpoint(path).tensors["model/a"].mean()) == 2.0


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), SafetensorError("No space left on device")], ids=type
)
def test_a_full_disk_leaves_the_last_good_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception
) -> None:
    write_checkpoint(tmp_path, 5, snapshot(), keep=1)

    def full(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(tensors, "save_file", full)
    with pytest.raises(
        DataError,
        match=r"step-00000010: wanted to write a checkpoint, got: .*No space left on device; make room and resume from",
    ):
        write_checkpoint(tmp_path, 10, snapshot(), keep=1)
    assert names(tmp_path) == ["step-00000005"]
    assert read_checkpoint(tmp_path / "step-00000005").numbers == NUMBERS


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte, where this machine allows to mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount here")
    if done.returncode:
        pytest.skip("file systems may not be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_really_full(small_disk: Path) -> None:
    write_checkpoint(small_disk, 5, snapshot(), keep=1)
    large = Snapshot({"model/a": torch.ones(1 << 19)}, NUMBERS)
    with pytest.raises(DataError, match=r"step-00000010: .*(No space left|os error 28).*; make room"):
        write_checkpoint(small_disk, 10, large, keep=1)
    assert names(small_disk) == ["step-00000005"]
    assert os.statvfs(small_disk).f_bfree > 0
    write_checkpoint(small_disk, 10, snapshot(), keep=1)
    assert names(small_disk) == ["step-00000010"]


@pytest.mark.parametrize("name", ["state.safetensors", "state.json"])
def test_a_damaged_one_says_what_to_do(tmp_path: Path, name: str) -> None:
    path = write_checkpoint(tmp_path, 5, snapshot(), keep=1)
    whole = (path / name).read_bytes()
    (path / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"step-00000005: wanted a checkpoint, got: .*; remove it and resume from the"):
        read_checkpoint(path)


def test_one_that_was_not_finished_does_not_count(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, 5, snapshot(), keep=1)
    (tmp_path / ".step-00000010.part").mkdir()
    (tmp_path / "step-00000011").mkdir()
    assert latest_step(tmp_path) == 5
