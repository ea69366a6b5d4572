"""The statistical aligner on sentence pairs: what it learns from them, and what it says of them in both directions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import tee
from sys import intern

import numpy as np

from weft.aligning.sentence_pairs import WordPair
from weft.aligning.two_ways import BOTH, Directions, OneWay, TwoWays
from weft.statistical.aligner import StatisticalAligner, say_nothing
from weft.statistical.learning import Progress
from weft.statistical.posteriors import Posteriors
from weft.statistical.settings import StatisticalSettings


def learn(
    pairs: Iterable[WordPair],
    *,
    settings: StatisticalSettings | None = None,
    report: Callable[[Progress], None] = say_nothing,
) -> StatisticalAligner:
    """An aligner that has learnt from these pairs; those with an empty side teach it nothing.

    Raises DataError if no pair has words on both sides.
    """
    sources: list[list[str]] = []
    targets: list[list[str]] = []
    for pair in pairs:
        source, target = pair.strings()
        sources.append(list(map(intern, source)))  # each word is held once, however often it is said
        targets.append(list(map(intern, target)))
    return StatisticalAligner.train(sources, targets, settings=settings, report=report)


@dataclass(frozen=True)
class PairStatistics:
    """A statistical aligner that reads sentence pairs, those that it has learnt from or others."""

    aligner: StatisticalAligner

    @property
    def directions(self) -> Directions:
        return BOTH

    def check(self, pair: WordPair) -> None:
        """It can align any pair."""

    def two_ways(self, pairs: Iterable[WordPair], directions: Directions) -> Iterator[TwoWays]:
        """What the chosen directions say of each pair, in order; some thousand pairs are read ahead."""
        first, second = tee(pair.strings() for pair in pairs)
        for found in self.aligner.posteriors((source for source, _ in first), (target for _, target in second)):
            yield TwoWays(
                _forward(found) if "forward" in directions else None,
                _reverse(found) if "reverse" in directions else None,
            )


def _forward(found: Posteriors) -> OneWay:
    """With rows that sum to 1 in more digits than float32 has."""
    mass, null = found.forward.astype(np.float64), found.forward_null.astype(np.float64)
    total = mass.sum(1) + null
    return OneWay(found.forward_links(), mass / total[:, None], null / total)


def _reverse(found: Posteriors) -> OneWay:
    mass, null = found.reverse.astype(np.float64), found.reverse_null.astype(np.float64)
    total = mass.sum(0) + null
    return OneWay(found.reverse_links(), mass / total, null / total)
