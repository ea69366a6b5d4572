"""The training loop: groups of micro-batches in, updated weights out, and everything needed to go on after a stop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

from weft.base.edges import Edges
from weft.base.errors import ConfigError
from weft.base.padded import Padded, Shared
from weft.base.shapes import Tensor
from weft.base.snapshot import Snapshot
from weft.base.sources import Sources
from weft.training.averaging import MovingAverage
from weft.training.config import TrainingConfig
from weft.training.objective import Objective
from weft.training.optimizer import build_optimizer, load_optimizer_tensors, optimizer_tensors
from weft.training.precision import autocast_dtype
from weft.training.schedule import rate
from weft.training.team import Team


class Batch(Protocol):
    """What the loop reads of a batch."""

    @property
    def source(self) -> Padded | Shared | Sources: ...
    @property
    def target_input(self) -> Tensor: ...
    @property
    def target_output(self) -> Padded: ...
    @property
    def edges(self) -> Edges: ...
    @property
    def real_tokens(self) -> int: ...
    def to(self, device: torch.device | str) -> Batch: ...


class Batches(Protocol):
    """An endless stream of batches that knows where it stands."""

    def group(self, count: int) -> Sequence[Any]: ...
    def build(self, plan: Any) -> Batch: ...
    def state_dict(self) -> dict[str, int]: ...
    def load_state_dict(self, state: Any) -> None: ...


@dataclass
class Progress:
    """Where training stands: all that is not a tensor. Sums run since the last line of the log."""

    step: int = 0
    tokens: int = 0
    loss_sum: float = 0.0
    likelihood_sum: float = 0.0
    alignment_sum: float = 0.0
    target_tokens: int = 0
    best_score: float = -math.inf
    best_step: int = 0
    without_gain: int = 0
    seconds: float = 0.0


class Loop:
    """Updates a model until the last step; calls back after every update, and says where it stands when asked.

    The loss of an update is normalised by the target tokens of all its micro-batches in all processes, so that how it
    is divided changes nothing but rounding. Dropout draws from a generator that is seeded by (seed, step, process).
    `guidance` is the weight of the loss of the alignment head.
    """

    def __init__(
        self,
        model: nn.Module,
        batches: Batches,
        config: TrainingConfig,
        *,
        seed: int,
        team: Team,
        guidance: float = 0.0,
    ) -> None:
        self.model, self.batches, self.config, self.seed, self.team = model, batches, config, seed, team
        autocast = autocast_dtype(config.precision, team.device)
        self.objective = Objective(
            model,
            smoothing=config.label_smoothing,
            guidance=guidance,
            gist=config.gist,
            contrast=config.contrast,
            reading_only=config.reading_only,
            autocast=autocast,
        )
        self.wrapped = team.wrap(self.objective)
        self.optimizer = build_optimizer(model, config)
        self.scaler = torch.amp.GradScaler(team.device.type, enabled=autocast is torch.float16)
        self.average = MovingAverage(model, config.ema)
        self.progress = Progress()

    def run(self, after_update: Callable[[Loop], bool]) -> None:
        """Trains to the last step, or until `after_update` answers False."""
        going = True
        while going and self.progress.step < self.config.steps:
            started = time.perf_counter()
            self.update()
            self.progress.seconds += time.perf_counter() - started
            going = after_update(self)

    def update(self) -> None:
        """One update of the weights."""
        progress, config = self.progress, self.config
        plans = self.batches.group(config.accumulate * self.team.size)
        mine = [self.batches.build(plan).to(self.team.device) for plan in plans[self.team.rank :: self.team.size]]
        num_targets = float(sum(int(batch.target_output.keep.sum()) for batch in mine))
        num_targets, num_tokens = self.team.total([num_targets, float(sum(batch.real_tokens for batch in mine))])
        progress.step += 1
        self.model.train()
        with _seeded(self.seed, progress.step, self.team):
            sums = [self._accumulate(batch, num_targets, last=batch is mine[-1]) for batch in mine]
        self._descend()
        smoothed, likelihood, alignment = self.team.total([sum(column) for column in zip(*sums, strict=True)])
        progress.loss_sum += smoothed
        progress.likelihood_sum += likelihood
        progress.alignment_sum += alignment
        progress.target_tokens += int(num_targets)
        progress.tokens += int(num_tokens)

    def learning_rate(self) -> float:
        """The rate of the last update."""
        return self.config.learning_rate * rate(self.progress.step, self.config)

    def _accumulate(self, batch: Batch, num_targets: float, *, last: bool) -> list[float]:
        """Adds the gradient of one micro-batch; answers its summed losses: smoothed, likelihood, alignment."""
        with self.team.pause(self.wrapped, last=last):
            losses = self.wrapped(batch.source, batch.target_input, batch.target_output, batch.edges)
            # Gradients are averaged over the team, while the loss is a sum over it.
            self.scaler.scale(losses.minimised * (self.team.size / num_targets)).backward()
        return [float(losses.smoothed), float(losses.likelihood), float(losses.alignment)]

    def _descend(self) -> None:
        """Clips, applies and clears the gathered gradients."""
        self.scaler.unscale_(self.optimizer)
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_norm or math.inf)
        if not self.scaler.is_enabled() and not bool(norm.isfinite()):
            raise ConfigError(
                f"wanted a finite gradient, got {float(norm)} in step {self.progress.step}; lower "
                "training.learning_rate, lengthen training.warmup_steps, or train in float32"
            )
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        self.average.update(self.progress.step)

    def state(self) -> Snapshot:
        """A snapshot; tensors are references, to be written before the next update."""
        tensors = {f"model/{name}": p.detach() for name, p in self.model.named_parameters()}
        tensors |= {f"optimizer/{name}": t for name, t in optimizer_tensors(self.optimizer, self.model).items()}
        tensors |= {f"average/{name}": t for name, t in self.average.state_dict().items()}
        numbers = {
            "progress": dict(vars(self.progress)),
            "batches": self.batches.state_dict(),
            "scaler": self.scaler.state_dict(),
        }
        return Snapshot(tensors, numbers)

    @torch.no_grad()
    def load_state(self, state: Snapshot) -> None:
        """Goes on where `state` was taken, with the same data, settings and team."""
        parameters = dict(self.model.named_parameters())
        for name, tensor in _under("model/", state.tensors).items():
            parameters[name].copy_(tensor)
        load_optimizer_tensors(self.optimizer, self.model, _under("optimizer/", state.tensors))
        # An average that is switched on later begins with the weights as they are.
        self.average.load_state_dict(_under("average/", state.tensors) or _under("model/", state.tensors))
        self.progress = Progress(**state.numbers["progress"])
        self.batches.load_state_dict(state.numbers["batches"])
        if self.scaler.is_enabled() and state.numbers["scaler"]:
            self.scaler.load_state_dict(state.numbers["scaler"])


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


@contextmanager
def _seeded(seed: int, step: int, team: Team) -> Iterator[None]:
    """Within the block torch draws from a generator of this step and process; afterwards all is as it was before."""
    with torch.random.fork_rng(devices=[team.device] if team.device.type == "cuda" else []):
        torch.manual_seed(int(np.random.SeedSequence((seed, step, team.rank)).generate_state(1, np.uint64)[0]))
        yield
