"""Which products run in what: never in half precision by default on a CPU, never in float16 there at all."""

from __future__ import annotations

import pytest
import torch

from weft.base.errors import ConfigError
from weft.training.config import TrainingConfig
from weft.training.precision import autocast_dtype

CPU, GPU = torch.device("cpu"), torch.device("cuda")


def test_the_default_on_a_cpu_is_float32() -> None:
    assert autocast_dtype(TrainingConfig(steps=1).precision, CPU) is None


@pytest.mark.parametrize(("has_it", "wanted"), [(True, torch.bfloat16), (False, None)])
def test_the_default_on_a_gpu_is_bfloat16_where_it_is_fast(
    monkeypatch: pytest.MonkeyPatch, has_it: bool, wanted: torch.dtype | None
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: has_it)
    assert autocast_dtype("auto", GPU) is wanted


@pytest.mark.parametrize("device", [CPU, GPU], ids=str)
def test_what_is_asked_for_is_taken(device: torch.device) -> None:
    assert autocast_dtype("float32", device) is None
    assert autocast_dtype("bfloat16", device) is torch.bfloat16
    assert autocast_dtype("float16", GPU) is torch.float16


def test_float16_on_a_cpu_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"training\.precision float16 wants a GPU, got a CPU.*; take float32"):
        autocast_dtype("float16", CPU)
