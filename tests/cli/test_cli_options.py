"""Options that every verb shares, help with examples, and how usage errors end."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from weft import __version__
from weft.cli.options import Shared

VERBS = ["translate", "evaluate", "score", "train", "models", "inspect"]


@pytest.mark.parametrize("verb", VERBS)
def test_help_ends_with_a_worked_example(weft: Any, verb: str) -> None:
    result = weft(verb, "--help")
    assert result.exit_code == 0
    assert f"weft {verb} " in result.stdout.partition("Example:")[2]
    for option in ("--device", "--threads", "--batch-tokens", "--seed", "--quiet", "--debug", "--version"):
        assert option in result.stdout
    assert max(len(line) for line in result.stdout.partition("Example:")[0].splitlines()) <= 80


@pytest.mark.parametrize("verb", [[], ["translate"]])
def test_version_is_answered_everywhere(weft: Any, verb: list[str]) -> None:
    result = weft(*verb, "--version")
    assert (result.exit_code, result.stdout) == (0, f"weft {__version__}\n")


@pytest.mark.parametrize("arguments", [[], ["weave"], ["translate"], ["translate", "x", "--to", "fr", "--beam", "0"]])
def test_bad_usage_is_status_2(weft: Any, arguments: list[str]) -> None:
    result = weft(*arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr


def test_options_after_the_verb_win_over_those_before_it() -> None:
    before = Shared(device="cpu", threads=3, quiet=True)
    assert Shared(threads=5, seed=0).over(before) == Shared(device="cpu", threads=5, seed=0, quiet=True)
    assert Shared(threads=5).over(None) == Shared(threads=5)


def test_options_before_the_verb_count(weft: Any) -> None:
    result = weft("--device", "abacus", "translate", "x", "--to", "fr")
    assert result.exit_code == 2
    assert "'abacus'" in result.stderr


def test_debug_shows_where_an_error_came_from(weft: Any) -> None:
    result = weft("translate", "x", "--to", "xx", "--debug")
    assert result.exit_code == 2
    assert "Traceback" in result.stderr
    assert "weft: wanted a model" in result.stderr


def test_threads_and_batch_tokens_arrive(weft: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []
    monkeypatch.setattr("torch.set_num_threads", threads.append)
    text = weft("translate", "The dog", "--to", "fr").stdout
    result = weft("translate", "The dog", "--to", "fr", "--threads", "1", "--batch-tokens", "7", "--device", "cpu")
    assert (result.exit_code, result.stdout, threads) == (0, text, [1])


def test_help_and_models_import_nothing_heavy() -> None:
    heavy = "{'torch', 'numpy', 'tokenizers', 'rich', 'sacrebleu', 'jaxtyping', 'matplotlib'}"
    code = (
        "import sys; from typer.testing import CliRunner; from weft.cli.app import app;"
        "[CliRunner().invoke(app, line.split()) for line in ('--help', 'translate --help', 'models')];"
        f"print(sorted({heavy} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert done.stdout == "[]\n"
