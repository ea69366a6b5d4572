"""A small corpus of a module, and a run on it that came to its end."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from tests.training.tiny import recipe, write_corpora

from weft.runs.trainer import train

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_corpora(folder)
    return folder


@pytest.fixture(scope="module")
def finished(data: Path) -> Path:
    """A run that came to its end."""
    assert train(recipe(), data / "finished", data=data, device=CPU)
    return data / "finished"


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    """The finished run, to be changed."""
    return shutil.copytree(finished, tmp_path / "run")
