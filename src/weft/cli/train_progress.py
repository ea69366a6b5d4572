"""How training goes, on standard error: one moving line on a terminal, elsewhere a plain line for each of the log."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from weft.cli.progress import duration
from weft.cli.status import note
from weft.training.config import TrainingConfig
from weft.training_status import Status


@contextmanager
def display(config: TrainingConfig, *, quiet: bool) -> Iterator[Callable[[Status], None]]:
    """A function to call after each update."""
    if quiet:
        yield lambda status: None
    elif sys.stderr.isatty():
        with _moving() as report:
            yield report
    else:
        yield lambda status: _plain(status, config.log_every)


@contextmanager
def _moving() -> Iterator[Callable[[Status], None]]:
    columns = (BarColumn(bar_width=16), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), redirect_stdout=False) as progress:
        task = progress.add_task("reading data", total=None)

        def report(status: Status) -> None:
            progress.update(task, completed=status.step, total=status.steps, description=line(status))

        yield report


def _plain(status: Status, every: int) -> None:
    if status.step % every == 0 or status.step == status.steps:
        note(line(status))


def line(status: Status) -> str:
    """Step, loss, speed, learning rate, time left, and the latest scores: in 63 columns but for the scores."""
    scores = [f"{name} {value:.2f}" for name, value in status.scores.items()]
    parts = [
        f"{status.step}/{status.steps}",
        f"loss {status.loss:.3f}",
        f"{_short(status.tokens_per_second)} tokens/s",
        f"lr {status.learning_rate:.1e}",
        f"{duration(status.seconds_left)} left",
    ]
    return ", ".join(parts) + (f"; dev {', '.join(scores)}" if scores else "")


def _short(number: float) -> str:
    return f"{number:,.0f}" if number < 10_000 else f"{number / 1000:.1f}k"
