"""The life of a run: recipe -> corpora -> model -> training loop, with development scores and checkpoints."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from weft.base.errors import ConfigError
from weft.base.shapes import Tensor
from weft.data.batch import TokenBatches
from weft.models.build import build
from weft.recipe import Recipe
from weft.runlog import RunLog
from weft.store.average import average
from weft.store.checkpoint import checkpoints, read_checkpoint, write_checkpoint
from weft.store.config import About, LanguagePair, StoredConfig
from weft.store.folder import load, save
from weft.training.loop import Loop
from weft.training.team import Team, joined_team
from weft.training_data import TrainingData, read_training_data
from weft.training_run import check_resumable, describe_run
from weft.validation import Validation

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Status:
    """What a progress display wants to know after an update."""

    step: int
    steps: int
    loss: float
    """Negative log-likelihood per target token of this stretch of the log, in nats."""
    learning_rate: float
    tokens_per_second: float
    """Real source and target tokens, all processes together."""
    seconds_left: float
    scores: dict[str, float]
    """Of the latest look at the development set."""


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
) -> None:
    """Trains what the recipe says into the run folder `out`; files named in the recipe are found under `data`.

    `resume` goes on from the latest checkpoint, bit for bit on a CPU; `init` starts from another model's weights and
    tokenizer. When `stop` answers True a checkpoint is written and training ends. Raises ConfigError and DataError.
    """
    check_resumable(recipe, out, resume=resume)
    device = device or torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with joined_team(device) as team:
        read = read_training_data(recipe, out, data, team=team, init=init)
        if team.leads and not resume:
            describe_run(recipe, out, read)
        run = Run(recipe, out, read, team=team, init=init, report=report, stop=stop)
        if resume:
            run.go_on()
        run.loop.run(run.after_update)
        run.finish()


class Run:
    """One training run: the loop, and what happens between its updates."""

    def __init__(
        self,
        recipe: Recipe,
        out: Path,
        read: TrainingData,
        *,
        team: Team,
        init: str | None,
        report: Callable[[Status], None],
        stop: Callable[[], bool],
    ) -> None:
        self.recipe, self.out, self.read, self.team = recipe, out, read, team
        self.config = recipe.training
        self.report, self.stop = report, stop
        self.log = RunLog(out / "log.jsonl")
        model = _initial_model(recipe, read, init).to(team.device)
        batches = TokenBatches(read.examples, tokens=self.config.batch_tokens, seed=recipe.seed)
        self.loop = Loop(model, batches, self.config, seed=recipe.seed, team=team)
        self.validation = Validation(recipe, read)
        self.scores: dict[str, float] = {}
        self.stopped = False

    def go_on(self) -> None:
        """Takes up the latest checkpoint, if there is one."""
        found = checkpoints(self.out / "checkpoints")
        if found:
            self.loop.load_state(read_checkpoint(found[-1]))
            _log.info("resumed from step %d", self.loop.progress.step)
        if self.team.leads:
            self.log.cut_after(self.loop.progress.step)

    def after_update(self, loop: Loop) -> bool:
        """Logs, validates and writes checkpoints when it is time; False ends the run."""
        step, last = loop.progress.step, loop.progress.step == self.config.steps
        self.report(self._status())
        if step % self.config.log_every == 0 or last:
            self._write_log()
        going = True
        if step % self.config.validate_every == 0 or last:
            going = self._validate()
        self.stopped = bool(self.team.agree(float(self.stop())))
        if self.team.leads and (step % self.config.checkpoint_every == 0 or last or self.stopped or not going):
            write_checkpoint(self.out / "checkpoints", step, loop.state(), keep=self.config.keep_checkpoints)
        return going and not self.stopped

    def finish(self) -> None:
        """Writes `last`: the averaged or latest weights, unless the run was only interrupted."""
        if not self.team.leads or self.stopped:
            return
        recent = sorted((self.out / "recent").glob("*.safetensors"))
        with self.loop.average.applied():
            if recent:
                _assign(self.loop.model, average(recent))
            self.scores = self.validation.scores(self.loop.model, beam=self.recipe.search.beam)
            self._save("last", self.scores)
        self.log.write({"step": self.loop.progress.step, "last": self.scores})

    def _status(self) -> Status:
        progress = self.loop.progress
        seconds = max(progress.seconds, 1e-9)
        return Status(
            step=progress.step,
            steps=self.config.steps,
            loss=progress.likelihood_sum / max(progress.target_tokens, 1),
            learning_rate=self.loop.learning_rate(),
            tokens_per_second=progress.tokens / seconds,
            seconds_left=(self.config.steps - progress.step) * seconds / max(progress.step, 1),
            scores=self.scores,
        )

    def _write_log(self) -> None:
        progress = self.loop.progress
        if self.team.leads:
            self.log.write(
                {
                    "step": progress.step,
                    "loss": progress.loss_sum / progress.target_tokens,
                    "likelihood": progress.likelihood_sum / progress.target_tokens,
                    "learning_rate": self.loop.learning_rate(),
                    "tokens": progress.tokens,
                    "epoch": self.loop.batches.state_dict()["epoch"],
                    "seconds": round(progress.seconds, 1),
                }
            )
        progress.loss_sum = progress.likelihood_sum = 0.0
        progress.target_tokens = 0

    def _validate(self) -> bool:
        """Looks at the development set; False when patience is at its end."""
        if self.team.leads:
            with self.loop.average.applied():
                self._look()
        progress = self.loop.progress
        progress.without_gain = int(self.team.agree(progress.without_gain))
        return not self.config.patience or progress.without_gain < self.config.patience

    def _look(self) -> None:
        progress = self.loop.progress
        self.scores = self.validation.scores(self.loop.model, beam=self.recipe.validation.beam)
        self.log.write({"step": progress.step, "dev": self.scores, "samples": self.validation.samples})
        score = self.validation.key_figure(self.scores)
        if score > progress.best_score:
            progress.best_score, progress.best_step, progress.without_gain = score, progress.step, 0
            self._save("best", self.scores)
        else:
            progress.without_gain += 1
        self._keep_recent()

    def _keep_recent(self) -> None:
        """Weights of the latest looks, to be averaged at the end."""
        if not self.config.average_last:
            return
        folder = self.out / "recent"
        folder.mkdir(exist_ok=True)
        part = folder / "part"
        save_file({name: p.detach().contiguous() for name, p in self.loop.model.named_parameters()}, part)
        part.replace(folder / f"{self.loop.progress.step:08d}.safetensors")
        for old in sorted(folder.glob("*.safetensors"))[: -self.config.average_last]:
            old.unlink()

    def _save(self, name: str, scores: dict[str, float]) -> None:
        about, data = self.recipe.about, self.recipe.data
        pairs = dict.fromkeys((source.from_, source.to) for source in data.train)
        config = StoredConfig(
            model=self.recipe.model_config_for(self.read.tokenizer.vocabulary_size),
            languages=tuple(LanguagePair(from_=source, to=target) for source, target in pairs),
            search=self.recipe.search,
            about=About(licence=about.licence, data=about.credits, scores={f"dev {k}": v for k, v in scores.items()}),
        )
        save(self.out / name, self.loop.model, self.read.tokenizer, config, self._card(scores))

    def _card(self, scores: dict[str, float]) -> str:
        about, progress = self.recipe.about, self.loop.progress
        lines = [f"# {about.name}", "", f"Trained by weft for {progress.step:,} updates, {progress.tokens:,} tokens."]
        lines += ["", f"Licence of the weights: {about.licence or 'not stated'}.", "", "Data:", ""]
        lines += [f"- {credit}" for credit in about.credits] + ["", "Development scores:", ""]
        lines += [f"- {name}: {value:.2f}" for name, value in scores.items()]
        return "\n".join(lines) + "\n"


def _initial_model(recipe: Recipe, read: TrainingData, init: str | None) -> nn.Module:
    """Fresh weights decided by the seed, or those of another model of the same shape."""
    config = recipe.model_config_for(read.tokenizer.vocabulary_size)
    with torch.random.fork_rng():
        torch.manual_seed(recipe.seed)
        model = build(config)
    if init is not None:
        stored = load(init)
        theirs = {name: p.shape for name, p in stored.model.named_parameters()}
        ours = {name: p.shape for name, p in model.named_parameters()}
        if theirs != ours:
            raise ConfigError(f"--init {init}: its weights do not fit the recipe's [model]; copy its config.json there")
        _assign(model, dict(stored.model.named_parameters()))
    return model


@torch.no_grad()
def _assign(model: nn.Module, weights: dict[str, Tensor]) -> None:
    for name, parameter in model.named_parameters():
        parameter.copy_(weights[name])


def clear_run(out: Path) -> None:
    """Removes what a run wrote into its folder, to start anew."""
    for name in ("checkpoints", "recent", "best", "last"):
        shutil.rmtree(out / name, ignore_errors=True)
