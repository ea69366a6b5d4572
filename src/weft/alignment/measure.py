"""How well links match gold ones: alignment error rate, precision, recall and F1 over sums of a whole corpus."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from weft.alignment.pairs import Gold, Pairs


@dataclass(frozen=True, slots=True)
class Counts:
    """What the measures are made of; counts of sentences add up to those of a corpus.

    All measures are fractions (Och and Ney 2003, section 5.1, with A the links, S the sure and P the possible gold
    ones). Of no links at all precision is 1, of no sure gold links recall is 1: nothing is wrong, nothing is missed.
    """

    links: int = 0
    """|A|."""
    sure: int = 0
    """|S|."""
    found: int = 0
    """|A & S|."""
    allowed: int = 0
    """|A & P|."""

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.links + other.links,
            self.sure + other.sure,
            self.found + other.found,
            self.allowed + other.allowed,
        )

    @property
    def aer(self) -> float:
        """The alignment error rate, 1 - (|A & S| + |A & P|) / (|A| + |S|); 0 is best."""
        return 1.0 - _share(self.found + self.allowed, self.links + self.sure)

    @property
    def precision(self) -> float:
        """|A & P| / |A|: how many of the links are right."""
        return _share(self.allowed, self.links)

    @property
    def recall(self) -> float:
        """|A & S| / |S|: how many of the sure gold links were found."""
        return _share(self.found, self.sure)

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def count(links: Pairs, gold: Gold) -> Counts:
    """The counts of one sentence pair."""
    return Counts(len(links), len(gold.sure), len(links & gold.sure), len(links & gold.possible))


def total(counts: Iterable[Counts]) -> Counts:
    """The counts of a corpus."""
    return sum(counts, Counts())


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0
