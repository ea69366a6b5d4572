"""How far a command is, on standard error: one moving line on a terminal, now and then a plain line elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from weft.cli.output import to_terminal
from weft.cli.status import note

_EVERY = 10.0  # seconds between plain lines


@contextmanager
def counting(
    unit: str, *, total: int | None = None, done: int = 0, quiet: bool = False, shares_screen: bool = False
) -> Iterator[Callable[[], None]]:
    """A function to call after each item. `shares_screen`: results go to standard output while this runs.

    Where results and progress would meet on one terminal there is none: the results show how far it is.
    """
    if quiet or (shares_screen and to_terminal()):
        yield lambda: None
    elif sys.stderr.isatty():
        with _moving(unit, total, done) as advance:
            yield advance
    else:
        plain = _Plain(unit, total, done)
        yield plain.advance
        plain.close()


@contextmanager
def _moving(unit: str, total: int | None, done: int) -> Iterator[Callable[[], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=Console(stderr=True), redirect_stdout=False) as progress:
        task = progress.add_task("", total=total, completed=done)
        yield lambda: progress.advance(task)


class _Plain:
    """A line every few seconds, and one at the end."""

    def __init__(self, unit: str, total: int | None, done: int) -> None:
        self.unit, self.total, self.count, self.first = unit, total, done, done
        self.started = self.said = time.monotonic()

    def advance(self) -> None:
        self.count += 1
        now = time.monotonic()
        if now - self.said >= _EVERY:
            self.said = now
            note(self._line(now))

    def close(self) -> None:
        note(f"{self.count:,} {self.unit} in {duration(time.monotonic() - self.started)}")

    def _line(self, now: float) -> str:
        if self.total is None:
            return f"{self.count:,} {self.unit}"
        left = (now - self.started) / (self.count - self.first) * max(self.total - self.count, 0)
        return f"{self.count:,} of {self.total:,} {self.unit}, {duration(left)} left"


def duration(seconds: float) -> str:
    """A time as a person says it: `0.4 s`, `42 s`, `12 min`, `3 h 05 min`, `2 d 4 h`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours < 24 else f"{hours // 24} d {hours % 24} h"
