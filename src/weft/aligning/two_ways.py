"""What an aligner says of a sentence pair in one direction or both, and the links and shares that come of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from weft.aligning.sentence_pairs import WordPair
from weft.alignment.extract import Shares
from weft.alignment.pairs import Pairs
from weft.alignment.side import Array
from weft.alignment.symmetrise import symmetrise

Direction = Literal["forward", "reverse"]
Directions = frozenset[Direction]
BOTH: Directions = frozenset(("forward", "reverse"))
ALONE: dict[str, Directions] = {"forward": frozenset({"forward"}), "reverse": frozenset({"reverse"})}
"""The symmetrisations that look at one direction; all others look at both."""


def directions_of(symmetrisation: str) -> Directions:
    """The directions that a symmetrisation looks at."""
    return ALONE.get(symmetrisation, BOTH)


@dataclass(frozen=True)
class OneWay:
    """The links of one direction, as (source, target) either way, and the shares that they were taken from.

    `mass` `[j i]` has a row a target word and a column a source word. Forward it is how much of target word j came from
    source word i, and `null[j]` how much came from none, so a row and its `null` sum to 1. In reverse it is how much of
    source word i came from target word j, so a column and its `null[i]` do.
    """

    links: Pairs
    mass: Array
    null: Array


@dataclass(frozen=True)
class TwoWays:
    """Both directions of a pair, or one of them."""

    forward: OneWay | None
    reverse: OneWay | None

    def links(self, symmetrisation: str) -> Pairs:
        """The links by a symmetrisation (a key of `SYMMETRISATIONS`)."""
        forward, reverse = (frozenset() if way is None else way.links for way in (self.forward, self.reverse))
        return symmetrise(forward, reverse, symmetrisation)

    def shares(self) -> Shares:
        """What of each target word came from which source word and from none: the mean of the directions there are.

        In reverse every source word chooses for itself, so target word j is left by all with probability
        prod_i (1 - mass[j, i]): that is its share on no word, and the rest goes to those that chose it, in proportion.
        So the shares of a target word and its share on none sum to 1 in either direction, and in their mean.
        """
        found = [] if self.forward is None else [Shares(self.forward.mass, self.forward.null)]
        found += [] if self.reverse is None else [_chosen(self.reverse.mass)]
        assert found, "an aligner reads at least one direction"
        return Shares(np.mean([one.mass for one in found], axis=0), np.mean([one.unaligned for one in found], axis=0))


class Aligner(Protocol):
    """Something that aligns words; `directions` are those that it can read."""

    @property
    def directions(self) -> Directions: ...

    def check(self, pair: WordPair) -> None:
        """Raises DataError for a pair that it cannot align."""
        ...

    def two_ways(self, pairs: Iterable[WordPair], directions: Directions) -> Iterator[TwoWays]:
        """What the chosen directions say of each pair, in order."""
        ...


def _chosen(mass: Array) -> Shares:
    """Shares of target words, of the probabilities `[j i]` that source word i chose target word j."""
    unaligned = np.prod(1 - np.clip(mass, 0, 1), axis=1)
    total = mass.sum(1)
    scale = np.divide(1 - unaligned, total, out=np.zeros_like(total), where=total > 0)
    return Shares(mass * scale[:, None], unaligned)
