"""The model that a run starts from: decided by the seed alone, or taken over from another run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.training.tiny import recipe, write_corpora

from weft.base.errors import ConfigError
from weft.runs.models import assign, initial_model
from weft.runs.trainer import train
from weft.store.folder import load

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


def drawn(seed: int) -> dict[str, torch.Tensor]:
    model = initial_model(recipe(seed=seed), 331, init=None)
    return {name: p.detach() for name, p in model.named_parameters()}


def test_the_seed_decides_the_weights_and_the_process_is_left_alone() -> None:
    torch.default_generator.manual_seed(11)
    before = torch.get_rng_state()
    one = drawn(7)
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(5)
    assert all(torch.equal(value, one[name]) for name, value in drawn(7).items())
    assert any(not torch.equal(value, one[name]) for name, value in drawn(8).items())


def test_weights_are_assigned_by_name_and_the_others_stay() -> None:
    model = initial_model(recipe(), 331, init=None)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    first = next(iter(before))
    assign(model, {first: torch.zeros_like(before[first])})
    assert not dict(model.named_parameters())[first].any()
    assert all(torch.equal(p, before[name]) for name, p in model.named_parameters() if name != first)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return {name: p.detach() for name, p in load(folder).model.named_parameters()}


def test_init_takes_over_weights_and_tokenizer(data: Path, finished: Path, tmp_path: Path) -> None:
    free = {"dropout": 0.3, "reading": {"chunk": 7, "tolerance": 0.1}}
    tuned = recipe(training={"steps": 1, "learning_rate": 1e-9, "metric": "loss"}, model=free, seed=8)
    train(tuned, tmp_path / "tuned", data=data, device=CPU, init=str(finished / "last"))
    ours, theirs = weights(tmp_path / "tuned" / "last"), weights(finished / "last")
    for name, value in ours.items():
        torch.testing.assert_close(value, theirs[name], rtol=0, atol=1e-8)
    assert (tmp_path / "tuned" / "tokenizer" / "tokenizer.json").read_bytes() == (
        finished / "last" / "tokenizer.json"
    ).read_bytes()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"width": 18}, "got one with width 16, the recipe 18; set "),
        ({"reading": {"stride": 3}}, "got one with reading .*'stride': 16.*, the recipe .*'stride': 3"),
        ({"num_heads": 4, "norm": "rms"}, "got one with num_heads 2, the recipe 4; norm layer, the recipe rms; set"),
    ],
)
def test_init_from_a_model_of_another_shape_is_refused(
    data: Path, finished: Path, tmp_path: Path, changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        train(recipe(model=changed), tmp_path / "run", data=data, device=CPU, init=str(finished / "last"))


def test_init_from_a_model_without_the_language_is_refused(data: Path, finished: Path, tmp_path: Path) -> None:
    german = recipe(data={"train": [{"path": "a.tsv", "from": "en", "to": "de"}]})
    with pytest.raises(ConfigError, match="de"):
        train(german, tmp_path / "run", data=data, device=CPU, init=str(finished / "last"))


def test_init_and_resume_exclude_each_other(data: Path, finished: Path) -> None:
    with pytest.raises(ConfigError, match="--init begins a run and --resume goes on with one, got both; leave one"):
        train(recipe(), finished, data=data, device=CPU, resume=True, init=str(finished / "last"))
