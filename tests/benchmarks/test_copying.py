"""Each kind of model learns to copy in seconds, trained and decoded by the benchmark's own code."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from weft.models.build import build


@pytest.fixture(scope="module")
def copying() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "copying.py"
    spec = importlib.util.spec_from_file_location("weft_benchmark_copying", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("kind", "width", "steps", "learning_rate"),
    [("transformer", 32, 200, 1e-2), ("recurrent", 64, 400, 5e-3), ("decoder_only", 32, 350, 1e-2)],
)
def test_each_kind_learns_to_copy(copying: ModuleType, kind: str, width: int, steps: int, learning_rate: float) -> None:
    task = copying.Copying(num_symbols=5, shortest=3, longest=5, num_held_out=60)
    plan = copying.Plan(steps=steps, learning_rate=learning_rate, batch_size=32, warmup=20)
    held_out = task.held_out(torch.Generator().manual_seed(0))
    torch.manual_seed(plan.seed)
    model = build(copying.small(kind, task, width=width))
    assert copying.exact_match(model, held_out) == 0
    copying.train(model, task, plan, held_out)
    assert copying.exact_match(model, held_out) >= 0.95


def test_nothing_held_out_is_trained_on(copying: ModuleType) -> None:
    task = copying.Copying(num_symbols=2, shortest=2, longest=3, num_held_out=5)
    held_out = task.held_out(torch.Generator().manual_seed(0))
    assert len(set(held_out)) == 5
    assert {len(sequence) for sequence in held_out} == {2, 3}
    batches = task.batches(200, held_out, torch.Generator().manual_seed(1))
    assert {sequence for _ in range(3) for sequence in next(batches)}.isdisjoint(held_out)


def test_one_wrong_symbol_or_a_late_end_is_no_exact_match(copying: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    sequences = [(4, 5), (5, 4, 6)]
    written = torch.tensor([[4, 5, copying.EOS, 9], [5, 4, 4, copying.EOS]])
    monkeypatch.setattr(copying, "greedy", lambda *_, **__: written)
    assert copying.exact_match(None, sequences) == 0.5
    written[0, 2] = 7
    assert copying.exact_match(None, sequences) == 0.0
