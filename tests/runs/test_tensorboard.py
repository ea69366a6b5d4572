"""The numbers of a log as TensorBoard reads them back."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from tests.training.tiny import recipe, write_corpora

from weft.base.errors import UnsupportedError
from weft.runs.tensorboard import TensorBoard
from weft.runs.trainer import train


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Name to steps and values, as `tensorboard --logdir` shows them."""
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulators.EventAccumulator(str(folder))
    events.Reload()
    return {name: [(event.step, event.value) for event in events.Scalars(name)] for name in events.Tags()["scalars"]}


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(UnsupportedError, match=r'run pip install "weft\[tensorboard\]", or leave the key out'):
        TensorBoard(tmp_path)


def test_the_numbers_of_a_line_are_scalars(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    board = TensorBoard(tmp_path)
    board.write({"step": 5, "loss": 2.5, "epoch": 1})
    board.write({"step": 10, "dev": {"bleu": 31.25, "loss": 1.5}, "samples": [{"source": "text"}]})
    board.close()
    assert scalars(tmp_path) == {
        "loss": [(5, 2.5)],
        "epoch": [(5, 1.0)],
        "dev/bleu": [(10, 31.25)],
        "dev/loss": [(10, 1.5)],
    }


def test_what_is_done_again_is_shown_once(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    for after, value in ((0, 1.0), (5, 2.0)):
        board = TensorBoard(tmp_path, after=after)
        for step in range(after + 1, 9):
            board.write({"step": step, "loss": value})
        board.close()
    assert scalars(tmp_path)["loss"] == [(step, 1.0 if step <= 5 else 2.0) for step in range(1, 9)]


@pytest.mark.parametrize("wanted", [True, False])
def test_a_recipe_asks_for_it(tmp_path: Path, wanted: bool) -> None:
    pytest.importorskip("tensorboard")
    write_corpora(tmp_path)
    chosen = recipe(tensorboard=wanted, training={"steps": 8, "metric": "loss"})
    train(chosen, tmp_path / "run", data=tmp_path, device=torch.device("cpu"))
    assert (tmp_path / "run" / "tensorboard").exists() is wanted
    if wanted:
        found = scalars(tmp_path / "run" / "tensorboard")
        assert found.keys() >= {"loss", "learning_rate", "tokens", "dev/loss", "last/loss"}
        assert [step for step, _ in found["loss"]] == [4, 8]
