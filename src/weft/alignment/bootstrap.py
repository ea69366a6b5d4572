"""How sure an alignment error rate is: the same measure on sentences drawn again, with replacement, many times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from weft.alignment.measure import Counts, total
from weft.base.errors import DataError

RESAMPLES = 1000
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure of all sentences, and the bounds between which `level` of the resampled ones lie (percentiles)."""

    value: float
    low: float
    high: float
    level: float


def interval(counts: Sequence[Counts], *, seed: int, resamples: int = RESAMPLES, level: float = LEVEL) -> Interval:
    """The alignment error rate (a fraction) of one aligner, given its counts of every sentence pair.

    Raises DataError without sentences.
    """
    _check(counts, counts)
    return _bounds(total(counts).aer, _resampled(counts, seed, resamples), level)


def difference(
    first: Sequence[Counts],
    second: Sequence[Counts],
    *,
    seed: int,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> Interval:
    """By how much the error rate of the first aligner is above the second's, both drawn on the same sentences.

    Below 0 the first is better; if the interval holds 0, these sentences do not tell (paired bootstrap, Koehn 2004).
    Raises DataError if the two are not counts of as many sentences, or there are none.
    """
    _check(first, second)
    above = _resampled(first, seed, resamples) - _resampled(second, seed, resamples)
    return _bounds(total(first).aer - total(second).aer, above, level)


def _check(first: Sequence[Counts], second: Sequence[Counts]) -> None:
    if not first or len(first) != len(second):
        raise DataError(
            f"wanted counts of the same sentences, at least one, got {len(first)} and {len(second)}; "
            "score both aligners on the whole gold set"
        )


def _resampled(counts: Sequence[Counts], seed: int, resamples: int) -> NDArray[np.float64]:
    """The error rate of each resample; the draws depend on the seed and the number of sentences alone."""
    table = np.array([astuple(one) for one in counts], np.int64)
    generator, size = np.random.default_rng(seed), len(table)
    rates = []
    for _ in range(resamples):
        times_drawn = np.bincount(generator.integers(size, size=size), minlength=size)
        rates.append(Counts(*(times_drawn @ table).tolist()).aer)
    return np.array(rates)


def _bounds(value: float, resampled: NDArray[np.float64], level: float) -> Interval:
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high), level)
