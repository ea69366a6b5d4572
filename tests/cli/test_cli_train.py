"""`weft train`: the recipe and the options reach the trainer, and Ctrl-C saves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from weft.cli.train import Stopping

RECIPE = """
preset = "tiny"
[[data.train]]
path = "pairs.tsv"
from = "en"
to = "fr"
[tokenizer]
vocabulary_size = 300
[model]
width = 16
num_heads = 2
feedforward_width = 29
encoder_layers = 1
decoder_layers = 1
[training]
steps = 3
batch_tokens = 256
learning_rate = 1e-3
warmup_steps = 2
log_every = 2
validate_every = 3
checkpoint_every = 3
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    pairs = "".join(f"a b c {number}\td e f {number}\n" for number in range(53))
    (tmp_path / "data" / "pairs.tsv").write_text(pairs, encoding="utf-8")
    (tmp_path / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    return tmp_path / "recipe.toml"


def options(recipe: Path) -> list[str | Path]:
    return ["train", recipe, "--out", recipe.parent / "run", "--data", recipe.parent / "data"]


def test_a_recipe_becomes_a_run_and_a_model_that_translates(weft: Any, recipe: Path) -> None:
    result = weft(*options(recipe), "--seed", "7", "--batch-tokens", "251", "--set", "training.steps=4")
    run = recipe.parent / "run"
    resolved = tomllib.loads((run / "config.toml").read_text(encoding="utf-8"))
    assert (result.exit_code, result.stdout) == (0, "")
    assert (resolved["seed"], resolved["training"]["batch_tokens"], resolved["training"]["steps"]) == (7, 251, 4)
    lines = result.stderr.splitlines()
    assert [one.split(",")[0] for one in lines if "tokens/s" in one] == ["weft: 2/4", "weft: 4/4"]
    assert lines[-1] == f"weft: done; the model is {run / 'last'}"
    assert weft("translate", "a b", "--to", "fr", "--model", run / "last").exit_code == 0
    again = weft(*options(recipe))
    assert again.exit_code == 2
    assert "add --resume" in again.stderr


def test_quiet_says_nothing(weft: Any, recipe: Path) -> None:
    result = weft(*options(recipe), "--quiet")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


def test_a_run_is_initialised_and_resumed(weft: Any, recipe: Path) -> None:
    assert weft(*options(recipe)).exit_code == 0
    resumed = weft(*options(recipe), "--resume", "--set", "training.steps=5")
    assert resumed.exit_code == 0
    assert "5/5" in resumed.stderr
    tuned = ["train", recipe, "--out", recipe.parent / "tuned", "--data", recipe.parent / "data"]
    assert weft(*tuned, "--init", recipe.parent / "run" / "last").exit_code == 0


WRONG = {
    "unknown key": (["--set", "training.stepz=1"], "unknown key training.stepz; did you mean steps?"),
    "impossible value": (["--set", "training.steps=-1"], "training.steps"),
    "no value": (["--set", "training.steps"], "--set wants key.path=value"),
    "no data": (["--data", "/nowhere"], "say with --data where"),
    "nothing to resume": (["--resume"], "holds no run to resume"),
    "no such model": (["--init", "none"], "wanted a model that is there, got 'none'"),
}


@pytest.mark.parametrize(("more", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_in_one_line(weft: Any, recipe: Path, more: list[str], message: str) -> None:
    result = weft(*options(recipe), *more)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_recipe_that_is_not_there(weft: Any, recipe: Path) -> None:
    result = weft("train", "none.toml", "--out", recipe.parent / "run")
    assert result.exit_code == 2
    assert "none.toml: wanted a recipe" in result.stderr


def test_before_there_is_anything_to_save_a_signal_ends_it() -> None:
    stopping = Stopping()
    with stopping.listening(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)
    assert not stopping.answer()


def test_later_a_signal_is_answered_at_the_next_update(capfd: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGINT)
    stopping = Stopping(can_wait=True)
    with stopping.listening():
        assert not stopping.answer()
        signal.raise_signal(signal.SIGINT)
        assert not stopping.answered
        assert stopping.answer()
        assert stopping.answered
    assert signal.getsignal(signal.SIGINT) == before
    assert capfd.readouterr().err == "\nweft: saving after this update; once more ends it at once, without saving\n"


def test_stopped_before_the_first_update_it_starts_again(
    weft: Any, recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*arguments: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("weft.runs.trainer.train", stopped)
    result = weft(*options(recipe))
    assert result.exit_code == 130
    assert result.stderr == "weft: stopped before there was anything to save; the same command starts again\n"


def test_interrupted_it_saves_and_says_how_to_go_on(weft: Any, recipe: Path) -> None:
    """In a process of its own, with a real signal."""
    command = [sys.executable, "-m", "weft", *map(str, options(recipe)), "--set", "training.steps=1000000"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=dict(os.environ)) as process:
        assert process.stderr
        lines = []
        for text in process.stderr:
            lines.append(text)
            if "2/1000000" in text:
                process.send_signal(signal.SIGINT)
                break
        lines += process.stderr.readlines()
        assert process.wait() == 130
    run = recipe.parent / "run"
    assert lines[-1] == (
        f"weft: stopped and saved; go on with: weft train {recipe} --out {run} --data {recipe.parent / 'data'} "
        "--set training.steps=1000000 --resume\n"
    )
    (checkpoint,) = (run / "checkpoints").iterdir()
    step = int(checkpoint.name.rpartition("-")[2])
    resumed = weft(*options(recipe), "--resume", "--set", f"training.steps={step + 1}")
    assert resumed.exit_code == 0
    assert f"going on after step {step}" in resumed.stderr
