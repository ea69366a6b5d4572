"""Which runs may begin in a folder, and which may go on in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.training.tiny import recipe, traces, write_corpora

from weft.base.errors import ConfigError, DataError
from weft.runs.trainer import train

CPU = torch.device("cpu")


def fail(*_: Any, **__: Any) -> None:
    pytest.fail("no work was to be done")


def test_a_run_is_not_overwritten(data: Path, copied: Path) -> None:
    before = traces(copied)
    with pytest.raises(
        ConfigError, match="already holds a run; add --resume to go on with it, or choose another --out"
    ):
        train(recipe(), copied, data=data, device=CPU, report=fail)
    assert traces(copied) == before


def test_there_must_be_a_run_to_resume(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no run to resume; leave --resume out to start one"):
        train(recipe(), tmp_path / "run", data=data, device=CPU, resume=True)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"seed": 8}, "seed"),
        ({"model": {"width": 18}}, "model"),
        ({"data": {"temperature": 1.0}}, "data"),
        ({"tokenizer": {"dropout": 0.0}}, "tokenizer"),
        ({"training": {"batch_tokens": 257, "metric": "loss"}}, r"training\.batch_tokens, training\.metric"),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else "",
)
def test_another_run_is_not_resumed(data: Path, copied: Path, changed: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=rf"config\.toml: the run was started with another {named}; resume with"):
        train(recipe(**changed), copied, data=data, device=CPU, resume=True, report=fail)


def test_other_data_of_the_same_size_are_noticed(data: Path, copied: Path, tmp_path: Path) -> None:
    write_corpora(tmp_path)
    text = (tmp_path / "b.tsv").read_text(encoding="utf-8")
    (tmp_path / "b.tsv").write_text(text.replace("dog", "cow"), encoding="utf-8")
    with pytest.raises(DataError, match=r"b\.tsv: wanted the file that the run was started with .*got another"):
        train(recipe(), copied, data=tmp_path, device=CPU, resume=True, report=fail)
