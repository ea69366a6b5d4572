"""How training goes, on standard error: one moving line on a terminal, elsewhere a plain line for each of the log."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from weft.cli.progress import duration
from weft.cli.status import note
from weft.runs.status import Status
from weft.training.config import TrainingConfig


@contextmanager
def display(config: TrainingConfig, *, quiet: bool) -> Iterator[Callable[[Status], None]]:
    """A function to call after each update."""
    if quiet:
        yield lambda status: None
        return
    news = News()
    if not sys.stderr.isatty():

        def say(status: Status) -> None:
            news.tell(status)
            if status.step % config.log_every == 0 or status.step == status.steps:
                note(line(status))

        yield say
        return
    columns = (BarColumn(bar_width=8), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), redirect_stdout=False) as progress:
        task = progress.add_task("reading data", total=None)

        def move(status: Status) -> None:
            news.tell(status)
            progress.update(task, completed=status.step, total=status.steps, description=line(status))

        yield move


class News:
    """Says the scores of a look at the development set, once."""

    def __init__(self) -> None:
        self.told: dict[str, float] = {}

    def tell(self, status: Status) -> None:
        if status.scores != self.told:
            self.told = dict(status.scores)
            note("dev: " + ", ".join(f"{name} {value:.2f}" for name, value in status.scores.items()))


def line(status: Status) -> str:
    """Step, loss, speed, learning rate and time left, in fewer than 70 columns."""
    parts = (
        f"{status.step}/{status.steps}",
        f"loss {status.loss:.3f}",
        f"{_short(status.tokens_per_second)} tokens/s",
        f"lr {status.learning_rate:.1e}",
        f"{duration(status.seconds_left)} left",
    )
    return ", ".join(parts)


def _short(number: float) -> str:
    return f"{number:,.0f}" if number < 10_000 else f"{number / 1000:.1f}k"
