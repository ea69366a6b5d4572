"""The latest weights of a run, and their mean."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
import torch
from torch import nn

from weft.base.errors import DataError
from weft.store import recent
from weft.store.recent import RecentWeights


def model(value: float) -> nn.Module:
    net = nn.Linear(3, 5)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.fill_(value)
    return net


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_mean_is_over_the_latest(tmp_path: Path) -> None:
    kept = RecentWeights(tmp_path / "recent", count=3)
    for step, value in ((10, 100.0), (20, 1.0), (30, 2.0), (40, 6.0)):
        kept.add(step, model(value))
    assert files(tmp_path / "recent") == [f"000000{step}.safetensors" for step in (20, 30, 40)]
    mean = kept.mean()
    assert mean.keys() == {"weight", "bias"}
    assert all(torch.equal(value, torch.full_like(value, 3.0)) for value in mean.values())


def test_with_a_count_of_zero_nothing_is_kept(tmp_path: Path) -> None:
    RecentWeights(tmp_path / "recent", count=2).add(10, model(1.0))
    off = RecentWeights(tmp_path / "recent", count=0)
    off.add(20, model(2.0))
    assert files(tmp_path / "recent") == ["00000010.safetensors"]
    assert off.mean() == {}


def test_a_smaller_count_takes_the_latest(tmp_path: Path) -> None:
    kept = RecentWeights(tmp_path, count=3)
    for step in (10, 20, 30):
        kept.add(step, model(float(step)))
    assert float(RecentWeights(tmp_path, count=1).mean()["bias"][0]) == 30.0


def test_later_steps_are_forgotten(tmp_path: Path) -> None:
    kept = RecentWeights(tmp_path, count=3)
    for step in (10, 20, 30):
        kept.add(step, model(float(step)))
    kept.cut_after(20)
    assert files(tmp_path) == ["00000010.safetensors", "00000020.safetensors"]
    assert RecentWeights(tmp_path / "none", count=3).mean() == {}


def test_a_full_disk_keeps_what_there_was(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kept = RecentWeights(tmp_path, count=1)
    kept.add(10, model(1.0))

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(recent, "write_weights", full)
    with pytest.raises(DataError, match=r"00000020\.safetensors: wanted to write weights, got: .*No space.*; make"):
        kept.add(20, model(2.0))
    assert files(tmp_path) == ["00000010.safetensors"]
