"""Timing on a machine that others use too: cases take turns, CPU time stands beside wall time, medians count."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any, TypeVar

Name = TypeVar("Name")


@dataclass(frozen=True)
class Took:
    """Seconds of one run."""

    wall: float
    cpu: float


def clocked(run: Callable[[], Any]) -> Took:
    """How long one call took, on the wall and in CPU time of this process with all its threads."""
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    return Took(time.perf_counter() - wall, time.process_time() - cpu)


def interleaved(
    cases: Mapping[Name, Callable[[], Any]], repetitions: int, *, warm_up: int = 1, clock: Callable[..., Took] = clocked
) -> dict[Name, list[Took]]:
    """Each case run `repetitions` times after `warm_up` runs that do not count: A B C, C B A, A B C, ...

    Turning the order round each time lets a slow drift of the machine fall on all cases alike.
    """
    for _ in range(warm_up):
        for run in cases.values():
            run()
    took: dict[Name, list[Took]] = {name: [] for name in cases}
    for repetition in range(repetitions):
        names = list(cases) if repetition % 2 == 0 else list(cases)[::-1]
        for name in names:
            took[name].append(clock(cases[name]))
    return took


def spread(values: Sequence[float], digits: int = 4) -> dict[str, Any]:
    """Median, quartiles and number of the values."""
    low, _, high = quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
    return {
        "median": round(median(values), digits),
        "quartiles": [round(low, digits), round(high, digits)],
        "runs": len(values),
    }


def ratios(above: Sequence[Took], below: Sequence[Took]) -> dict[str, Any]:
    """Of runs that took turns: the spread of their pairwise ratios, in CPU time and on the wall."""
    pairs = list(zip(above, below, strict=True))
    return {
        "cpu": spread([over.cpu / under.cpu for over, under in pairs]),
        "wall": spread([over.wall / under.wall for over, under in pairs]),
    }
