"""Processes that train together: alone nothing changes, and two learn what one does with twice the accumulation."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tests.training.tiny import log_lines, recipe, write_corpora
from torch import nn

from weft.runs.trainer import train
from weft.training.team import Team, joined_team

ROOT = Path(__file__).parents[2]
STEPS = 40


def test_a_team_of_one_changes_nothing() -> None:
    module = nn.Linear(3, 5)
    with joined_team(torch.device("cpu")) as team:
        assert (team.rank, team.size, team.leads) == (0, 1, True)
        assert team.wrap(module) is module
        assert team.total([1.5, 2.0]) == [1.5, 2.0]
        assert team.agree(7.0) == 7.0
        with team.pause(module, last=False):
            pass


def test_a_process_alone_works_where_it_is_told_to() -> None:
    with joined_team(torch.device("meta")) as team:
        assert team.device == torch.device("meta")


def test_only_the_first_leads() -> None:
    assert [Team(rank, 3).leads for rank in range(3)] == [True, False, False]


def test_two_processes_learn_what_one_does_with_twice_the_accumulation(tmp_path: Path) -> None:
    write_corpora(tmp_path)
    changed = {
        "model": {"dropout": 0.0},
        "training": {"steps": STEPS, "log_every": 1, "validate_every": 20, "accumulate": 2, "batch_tokens": 128},
    }
    alone = {**changed, "training": {**changed["training"], "accumulate": 4}}
    assert train(recipe(**alone), tmp_path / "one", data=tmp_path, device=torch.device("cpu"))
    asked = tmp_path / "asked.json"
    asked.write_text(json.dumps({"folder": str(tmp_path), "out": "two", "recipe": changed}), encoding="utf-8")
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    command += ["--master-addr", "127.0.0.1", "--master-port", str(free_port()), "-m", "tests.training.run_tiny"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo", "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(
        [*command, str(asked)], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    one, two = log_lines(tmp_path / "one"), log_lines(tmp_path / "two")
    assert [line.keys() for line in two] == [line.keys() for line in one]
    curve = [line for line in one if "loss" in line]
    assert len(curve) == STEPS
    for line, other in zip(one, two, strict=True):
        for name in ("loss", "likelihood", "learning_rate", "tokens", "epoch"):
            if name in line:
                assert other[name] == pytest.approx(line[name], rel=1e-5), (line["step"], name)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
