"""The loop: what an update does to the weights does not depend on how its batches are divided, and it can go on."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import nn

from weft.base.edges import Edges
from weft.base.errors import ConfigError
from weft.base.padded import Padded, pad
from weft.base.snapshot import Snapshot
from weft.models.build import build
from weft.models.config import ModelConfig
from weft.training.config import TrainingConfig
from weft.training.loop import Loop
from weft.training.schedule import rate
from weft.training.team import Team


@dataclass(frozen=True)
class FewPairs:
    """A batch of made-up pairs."""

    source: Padded
    target_input: torch.Tensor
    target_output: Padded
    edges: Edges = field(default_factory=Edges.none)

    @property
    def real_tokens(self) -> int:
        return int(self.source.keep.sum() + self.target_output.keep.sum())

    def to(self, device: torch.device | str) -> FewPairs:
        return self


class Stream:
    """Batches of `size` pairs; pair number i is the same whatever the size."""

    def __init__(self, size: int = 3) -> None:
        self.size, self.next = size, 0

    def group(self, count: int) -> Sequence[range]:
        plans = [range(self.next + i * self.size, self.next + (i + 1) * self.size) for i in range(count)]
        self.next += count * self.size
        return plans

    def build(self, plan: range) -> FewPairs:
        rows = [torch.randint(3, 19, (2 + i % 5,), generator=torch.Generator().manual_seed(i)).tolist() for i in plan]
        return FewPairs(pad(rows), pad([[1, *row] for row in rows]).values, pad([[*row, 2] for row in rows]))

    def state_dict(self) -> dict[str, int]:
        return {"epoch": 0, "next": self.next}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.next = state["next"]


def model(dropout: float = 0.0) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        shape: dict[str, Any] = {"width": 14, "num_heads": 2, "feedforward_width": 17}
        return build(ModelConfig(vocabulary_size=19, encoder_layers=1, decoder_layers=1, dropout=dropout, **shape))


def loop(net: nn.Module, stream: Stream | None = None, *, seed: int = 5, **training: Any) -> Loop:
    config = TrainingConfig.model_validate({"steps": 11, "warmup_steps": 3, "learning_rate": 1e-2, **training})
    return Loop(net, stream or Stream(), config, seed=seed, team=Team())


def weights(loop: Loop) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in loop.model.named_parameters()}


def same(one: Loop, other: Loop) -> bool:
    theirs = weights(other)
    return all(torch.equal(tensor, theirs[name]) for name, tensor in weights(one).items())


def updated(loop: Loop, count: int) -> Loop:
    for _ in range(count):
        loop.update()
    return loop


def test_accumulated_batches_are_one_large_batch() -> None:
    """Of different numbers of target tokens, so that a mean of means would not do."""
    whole = updated(loop(model().double(), Stream(6)), 5)
    parts = updated(loop(model().double(), Stream(2), accumulate=3), 5)
    # The bias of keys has no gradient but rounding, which AdamW makes larger.
    torch.testing.assert_close(weights(parts), weights(whole), rtol=1e-9, atol=1e-9)
    for name, value in vars(whole.progress).items():
        assert vars(parts.progress)[name] == pytest.approx(value, rel=1e-9), name


def test_the_gradient_is_that_of_the_mean_over_target_tokens() -> None:
    net = model().double()
    before = copy.deepcopy(net)
    seen: dict[str, torch.Tensor] = {}
    trained = loop(net, accumulate=2, clip_norm=0, label_smoothing=0)
    trained.optimizer.register_step_pre_hook(
        lambda *_: seen.update({name: p.grad.clone() for name, p in net.named_parameters() if p.grad is not None})
    )
    trained.update()
    stream = Stream()
    batches = [stream.build(plan) for plan in stream.group(2)]
    total, count = torch.zeros((), dtype=torch.float64), 0
    for batch in batches:
        real = batch.target_output.keep
        logits = before(batch.source, batch.target_input)[real]
        total = total + nn.functional.cross_entropy(logits, batch.target_output.values[real], reduction="sum")
        count += int(real.sum())
    (total / count).backward()
    torch.testing.assert_close(seen, {name: p.grad for name, p in before.named_parameters()})
    assert trained.progress.likelihood_sum / trained.progress.target_tokens == pytest.approx(total.item() / count)
    assert trained.progress.tokens == sum(batch.real_tokens for batch in batches)


def test_gradients_are_clipped_to_the_norm() -> None:
    norms = []

    def watch(optimizer: torch.optim.Optimizer, *_: Any) -> None:
        grads = [p.grad for group in optimizer.param_groups for p in group["params"]]
        norms.append(float(torch.nn.utils.get_total_norm(grads)))

    for clip_norm in (0.01, 0.0):
        trained = loop(model(), clip_norm=clip_norm)
        trained.optimizer.register_step_pre_hook(watch)
        trained.update()
    clipped, free = norms
    assert clipped == pytest.approx(0.01, rel=1e-3)
    assert free > 0.1


def test_the_rate_is_that_of_the_schedule() -> None:
    trained = loop(model())
    for step in range(1, 6):
        trained.update()
        assert trained.learning_rate() == 1e-2 * rate(step, trained.config)
        assert {group["lr"] for group in trained.optimizer.param_groups} == {trained.learning_rate()}


@pytest.mark.parametrize("clip_norm", [1.0, 0.0])
def test_a_gradient_that_is_not_finite_stops_before_it_spoils_the_weights(clip_norm: float) -> None:
    trained = updated(loop(model(), clip_norm=clip_norm), 1)
    before = weights(trained)
    parameter = next(iter(trained.model.parameters()))
    parameter.register_hook(lambda grad: grad * float("nan"))
    with pytest.raises(ConfigError, match=r"wanted a finite gradient, got nan in step 2; lower training\.learning"):
        trained.update()
    assert all(torch.equal(tensor, before[name]) for name, tensor in weights(trained).items())


def test_it_runs_to_the_last_step_or_until_told() -> None:
    trained = loop(model())
    seen: list[int] = []
    trained.run(lambda loop: not seen.append(loop.progress.step) and loop.progress.step < 4)
    assert seen == [1, 2, 3, 4]
    trained.run(lambda loop: not seen.append(loop.progress.step))
    assert seen == list(range(1, 12))
    trained.run(lambda loop: pytest.fail("the last step was done"))
    assert trained.progress.seconds > 0


def test_dropout_is_decided_by_seed_and_step_alone() -> None:
    one = updated(loop(model(0.3)), 3)
    torch.rand(7)  # whatever else the process draws in between
    assert same(updated(loop(model(0.3)), 3), one)
    assert not same(updated(loop(model(0.3), seed=6), 3), one)


def test_an_update_draws_nothing_from_the_process() -> None:
    torch.default_generator.manual_seed(11)
    before = torch.get_rng_state()
    updated(loop(model(0.3)), 2)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("training", [{}, {"ema": 0.9, "accumulate": 2}, {"precision": "bfloat16"}], ids=str)
def test_a_snapshot_goes_on_bit_for_bit(training: dict[str, Any]) -> None:
    whole = updated(loop(model(0.3), **training), 4)
    snapshot = stored(whole.state())
    resumed = loop(model(0.3), **training)
    resumed.load_state(snapshot)
    updated(whole, 3)
    updated(resumed, 3)
    assert same(resumed, whole)
    assert all(
        torch.equal(tensor, stored(whole.state()).tensors[name]) for name, tensor in resumed.state().tensors.items()
    )
    timed = {"seconds"}
    assert {**vars(resumed.progress), "seconds": 0} == {**vars(whole.progress), "seconds": 0}, timed
    assert resumed.batches.state_dict() == whole.batches.state_dict()


def stored(snapshot: Snapshot) -> Snapshot:
    """As if written and read: tensors in a snapshot are references."""
    return Snapshot(
        {name: tensor.clone() for name, tensor in snapshot.tensors.items()}, copy.deepcopy(snapshot.numbers)
    )


def test_an_average_that_is_switched_on_later_begins_with_the_weights() -> None:
    plain = updated(loop(model()), 3)
    averaging = loop(model(), ema=0.5)
    averaging.load_state(stored(plain.state()))
    assert all(torch.equal(tensor, weights(plain)[name]) for name, tensor in averaging.average.state_dict().items())


def test_float16_on_a_cpu_is_refused() -> None:
    with pytest.raises(ConfigError, match="float16 wants a GPU"):
        loop(model(), precision="float16")
