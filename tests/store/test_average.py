from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from weft.base.errors import DataError
from weft.store.average import average
from weft.store.config import Storage
from weft.store.folder import load
from weft.store.weights import write_weights


def state(seed: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {"b": torch.randn(3, generator=generator), "a": torch.randn(5, 7, generator=generator)}


def test_the_average_of_files_is_the_mean_of_each_parameter(tmp_path: Path) -> None:
    states = [state(seed) for seed in (2, 3, 5)]
    for number, parameters in enumerate(states):
        write_weights(tmp_path / f"{number}.safetensors", parameters, storage="float32")
    mean = average([tmp_path / f"{number}.safetensors" for number in range(3)])
    assert mean.keys() == {"a", "b"}
    for name, value in mean.items():
        wanted = torch.stack([parameters[name] for parameters in states]).double().mean(0).float()
        assert torch.equal(value, wanted)


@pytest.mark.parametrize("storage", ["float32", "bfloat16", "int8"])
def test_the_average_of_one_is_itself(tmp_path: Path, storage: Storage) -> None:
    write_weights(tmp_path / "one", state(7), storage=storage)
    once, again = average([tmp_path / "one"]), average([tmp_path / "one"] * 5)
    assert all(torch.equal(once[name], again[name]) for name in ("a", "b"))
    assert torch.allclose(once["a"], state(7)["a"], atol=0.02)


def test_the_average_of_folders_fits_their_model(folder: Path, model: nn.Module) -> None:
    mean = average([folder, folder])
    assert mean.keys() == dict(model.named_parameters()).keys()
    for name, parameter in load(folder).model.named_parameters():
        assert torch.equal(mean[name], parameter)


def test_other_parameters_are_refused(tmp_path: Path) -> None:
    write_weights(tmp_path / "one", state(2), storage="float32")
    write_weights(tmp_path / "two", {"a": torch.ones(5, 11)}, storage="float32")
    with pytest.raises(DataError, match=r"two: .*1 tensors are missing \(b\).*a wants \[5, 7\], got \[5, 11\]"):
        average([tmp_path / "one", tmp_path / "two"])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="three: wanted weights, got no file; fetch or save the model again"):
        average([tmp_path / "three"])


def test_nothing_has_no_average() -> None:
    with pytest.raises(DataError, match="average wants at least one model folder or weights file, got none"):
        average([])
