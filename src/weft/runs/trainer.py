"""The life of a run: recipe -> corpora -> model -> training loop, with development scores and checkpoints."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import nn

from weft.aligning.tuning import tune_alignment
from weft.base.errors import ConfigError
from weft.data.direction import Direction
from weft.runs.folder import check_new, check_resumable, check_unchanged, describe_run, write_recipe
from weft.runs.kinds import Reading, kind_of
from weft.runs.log import END, Log, opened_logs
from weft.runs.models import assign, initial_model, save_trained
from weft.runs.recipe import Recipe
from weft.runs.status import Status, status_of
from weft.store.checkpoint import checkpoints, latest_step, read_checkpoint, write_checkpoint
from weft.store.recent import RecentWeights
from weft.training.allocator import freed_memory_kept
from weft.training.loop import Loop
from weft.training.precision import autocast_dtype
from weft.training.team import Team, joined_team

CHECKPOINTS = "checkpoints"
ALIGNMENT_PAIRS = 300

_logger = logging.getLogger(__name__)


def train(
    recipe: Recipe,
    out: Path,
    *,
    data: Path,
    resume: bool = False,
    init: str | None = None,
    device: torch.device | None = None,
    report: Callable[[Status], None] = lambda status: None,
    stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Trains what the recipe says into the run folder `out`; True when the run is over, False when it was stopped.

    Files named in the recipe are found under `data`. `resume` goes on from the latest checkpoint, bit for bit on a
    CPU; `init` starts from another model's weights and tokenizer. When `stop` answers True a checkpoint is written and
    training stops; of several processes the first decides. `report` is called after every update. Raises ConfigError
    and DataError, and UnsupportedError if the recipe asks for TensorBoard where there is none.
    """
    device = device or torch.device("cuda" if torch.cuda.is_available() else "cpu")
    _check(recipe, out, resume=resume, init=init, device=device)
    after = latest_step(out / CHECKPOINTS)
    with joined_team(device) as team, _logs(recipe, out, after=after, team=team) as logs:
        read = kind_of(recipe).read(recipe, out, data, team=team, init=init, resume=resume)
        model = initial_model(recipe, read.tokenizer.vocabulary_size, init=init).to(team.device)
        run = Run(recipe, out, read, model, team=team, logs=logs, report=report, stop=stop)
        if resume:
            run.go_on()
        elif team.leads:
            describe_run(recipe, out, read)
        if not run.out_of_patience():
            with freed_memory_kept():
                run.loop.run(run.after_update)
        run.finish()
    return not run.stopped


class Run:
    """One training run: the loop, and what happens between its updates."""

    def __init__(
        self,
        recipe: Recipe,
        out: Path,
        read: Reading,
        model: nn.Module,
        *,
        team: Team,
        logs: Sequence[Log],
        report: Callable[[Status], None],
        stop: Callable[[], bool],
    ) -> None:
        self.recipe, self.out, self.read, self.team = recipe, out, read, team
        self.config = recipe.training
        self.logs, self.report, self.stop = logs, report, stop
        batches = read.batches(tokens=self.config.batch_tokens, seed=recipe.seed)
        guidance = recipe.alignment.weight if recipe.alignment.teacher else 0.0
        self.loop = Loop(model, batches, self.config, seed=recipe.seed, team=team, guidance=guidance)
        self.validation = kind_of(recipe).validation(recipe, read)
        self.recent = RecentWeights(out / "recent", count=self.config.average_last)
        self.scores: dict[str, float] = {}
        self.stopped = False

    def go_on(self) -> None:
        """Takes up the latest checkpoint, if there is one."""
        check_unchanged(self.out, self.read)
        found = checkpoints(self.out / CHECKPOINTS)
        if found:
            self.loop.load_state(read_checkpoint(found[-1]))
        _logger.info("going on after step %d", self.loop.progress.step)
        if self.team.leads:
            write_recipe(self.recipe, self.out)
            self.recent.cut_after(self.loop.progress.step)

    def out_of_patience(self) -> bool:
        """Whether the latest looks at the development set brought no gain."""
        return 0 < self.config.patience <= self.loop.progress.without_gain

    def after_update(self, loop: Loop) -> bool:
        """Logs, validates and writes checkpoints when it is time; False ends the run."""
        step, last = loop.progress.step, loop.progress.step == self.config.steps
        self.report(status_of(loop, self.scores))
        if step % self.config.log_every == 0 or last:
            self._log_progress()
        if step % self.config.validate_every == 0 or last:
            self._validate()
        self.stopped = bool(self.team.agree(float(self.stop())))
        ends = last or self.stopped or self.out_of_patience()
        if self.team.leads and (ends or step % self.config.checkpoint_every == 0):
            write_checkpoint(self.out / CHECKPOINTS, step, loop.state(), keep=self.config.keep_checkpoints)
        return not ends

    def finish(self) -> None:
        """Writes `last`, the latest weights or the mean of several, unless the run was only interrupted."""
        if self.stopped or not self.team.leads:
            return
        with self.loop.average.applied():
            assign(self.loop.model, self.recent.mean())
            self.scores = self.validation.scores(self.loop.model, beam=self.recipe.search.beam)
            self._save("last")
        self._settle_alignment()
        self._log({"step": self.loop.progress.step, END: self.scores})

    def _settle_alignment(self) -> None:
        """Lets the finished models find the heads by which they align, on development pairs, if none was guided."""
        pairs = [(pair.source, pair.target, Direction(pair.tag)) for pair in self.read.dev_pairs[:ALIGNMENT_PAIRS]]
        config = self.recipe.model_config_for(self.read.tokenizer.vocabulary_size)
        if not pairs or config.kind != "transformer" or config.alignment_head is not None:
            return
        for name in ("best", "last"):
            choice = tune_alignment(self.out / name, pairs)
            _logger.info("%s aligns by layer %d, heads %s", name, choice.settings.layer, choice.settings.heads)

    def _log_progress(self) -> None:
        """Writes the means since the last such line, and begins anew."""
        progress = self.loop.progress
        self._log(
            {
                "step": progress.step,
                "loss": progress.loss_sum / progress.target_tokens,
                "likelihood": progress.likelihood_sum / progress.target_tokens,
                **self._guided(),
                "learning_rate": self.loop.learning_rate(),
                "tokens": progress.tokens,
                "epoch": self.loop.batches.state_dict()["epoch"],
                "seconds": round(progress.seconds, 1),
            }
        )
        progress.loss_sum = progress.likelihood_sum = progress.alignment_sum = 0.0
        progress.target_tokens = 0

    def _guided(self) -> dict[str, float]:
        """What the log says of the alignment head, where one is taught: its loss, in nats a target token."""
        if not self.loop.objective.guidance:
            return {}
        return {"alignment_loss": self.loop.progress.alignment_sum / self.loop.progress.target_tokens}

    def _validate(self) -> None:
        """Looks at the development set, and tells the others how often it brought no gain."""
        if self.team.leads:
            with self.loop.average.applied():
                self._look()
        progress = self.loop.progress
        progress.without_gain = int(self.team.agree(progress.without_gain))

    def _look(self) -> None:
        """Scores the weights as they are; keeps them as `best` if none were better, and among the recent ones."""
        progress = self.loop.progress
        self.scores = self.validation.scores(self.loop.model, beam=self.recipe.validation.beam)
        self._log({"step": progress.step, "dev": self.scores, "samples": self.validation.samples})
        score = self.validation.key_figure(self.scores)
        if score is None:
            self._save("best")
        elif score > progress.best_score:
            progress.best_score, progress.best_step, progress.without_gain = score, progress.step, 0
            self._save("best")
        else:
            progress.without_gain += 1
        self.recent.add(progress.step, self.loop.model)

    def _log(self, line: dict[str, Any]) -> None:
        for log in self.logs:
            log.write(line)

    def _save(self, name: str) -> None:
        save_trained(
            self.out / name,
            self.loop.model,
            self.read.tokenizer,
            recipe=self.recipe,
            progress=self.loop.progress,
            scores=self.scores,
        )


def _check(recipe: Recipe, out: Path, *, resume: bool, init: str | None, device: torch.device) -> None:
    """Raises ConfigError for what cannot work, before any work."""
    autocast_dtype(recipe.training.precision, device)
    if resume and init is not None:
        raise ConfigError("--init begins a run and --resume goes on with one, got both; leave one of them out")
    if resume:
        check_resumable(recipe, out)
    else:
        check_new(out)


def _logs(recipe: Recipe, out: Path, *, after: int, team: Team) -> AbstractContextManager[Sequence[Log]]:
    """The logs of the run; one process alone writes them."""
    return opened_logs(out, after=after, tensorboard=recipe.tensorboard) if team.leads else nullcontext(())
