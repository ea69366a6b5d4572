"""How likely a word is to give rise to one of the other language, both ways, and to stand there without any."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weft.statistical.blocks import Block, Ids
from weft.statistical.cooccurrence import Cooccurrence
from weft.statistical.posterior import Array
from weft.statistical.prior import Prior

FLOOR = 1e-7
"""Probability of any pair that has no place in the table, and of a word that was never seen."""
SAME = 0.1
"""Probability of the very same word on both sides if it is new to one of them: numbers, names."""
EXTRA = (FLOOR, SAME)
"""Rows behind those of the table: a pair without a place has the place `w`, a new word beside itself `w + 1`."""


@dataclass(frozen=True)
class Emissions:
    """Lexicon probabilities of a block; `words` `[b t s]` of the generated word t, `null` `[b t]` without any."""

    words: Array
    null: Array


@dataclass(frozen=True)
class Counts:
    """How often each word pair was a link, and each word had none."""

    forward: NDArray[np.float64]
    """Of each place of the table, in the view of source to target, `[w]`."""
    reverse: NDArray[np.float64]
    """The same in the view of target to source; with agreement the very same array."""
    target_null: NDArray[np.float64]
    source_null: NDArray[np.float64]


@dataclass(frozen=True)
class Lexicon:
    """Probabilities of the word pairs in a table, float32."""

    table: Cooccurrence
    pairs: Array
    """`[w + 2, 2]`: p(target | source) and p(source | target) of each place, and then of the `EXTRA` ones."""
    target_null: Array
    """p(target word | no word), with a last entry for words that were never seen."""
    source_null: Array

    @classmethod
    def uniform(cls, table: Cooccurrence, *, num_source: int, num_target: int) -> Lexicon:
        """Before anything was learned."""
        pairs = np.empty((len(table), 2), np.float32)
        pairs[:] = 1 / num_target, 1 / num_source
        null = [_with_floor(np.full(number, 1 / number)) for number in (num_target, num_source)]
        return cls(table, with_extra(pairs), *null)

    def emissions(self, block: Block, places: Ids) -> tuple[Emissions, Emissions]:
        """What targets have of their sources and, turned round, sources of their targets; `places` `[b t s]`.

        Both probabilities of a pair lie side by side: one visit of a table too large for any cache fetches them.
        """
        both: NDArray[np.complex64] = np.take(self.pairs.view(np.complex64)[:, 0], places)
        return (
            Emissions(both.real, self.target_null[block.targets]),
            Emissions(both.imag.transpose(0, 2, 1), self.source_null[block.sources]),
        )

    def learned(self, counts: Counts, *, prior: Prior) -> Lexicon:
        """The likeliest lexicon, given these counts and what the prior adds to them."""
        pairs = np.empty((len(self.table), 2), np.float32)
        forward = counts.forward + prior.forward(counts.forward)
        pairs[:, 0] = _normalised(forward, self.table.sources, len(self.source_null) - 1)
        reverse = counts.reverse + prior.reverse(counts.reverse)
        pairs[:, 1] = _normalised(reverse, self.table.targets, len(self.target_null) - 1)
        return Lexicon(
            self.table,
            with_extra(pairs),
            _with_floor(_shares(counts.target_null)),
            _with_floor(_shares(counts.source_null)),
        )

    def pruned(self) -> Lexicon:
        """The same without the pairs that are no likelier than any others, and with none below the floor."""
        pairs = self.pairs[: len(self.table)]
        keep = pairs.max(1) > FLOOR
        likely = with_extra(np.maximum(pairs[keep], np.float32(FLOOR)))
        return Lexicon(self.table.keep(keep), likely, self.target_null, self.source_null)


def with_extra(pairs: Array) -> Array:
    """Probabilities of the places, `[w, 2]`, and behind them those of the extra ones, `[w + 2, 2]`."""
    extra: Array = np.repeat(np.array(EXTRA, np.float32)[:, None], 2, 1)
    return np.concatenate([pairs, extra])


def _shares(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """What each word that was seen has of the sum; the last entry, of words never seen, is left out."""
    return counts[:-1] / max(float(counts.sum()), 1e-30)


def _normalised(counts: NDArray[np.float64], of: Ids, num_of: int) -> NDArray[np.float64]:
    """Probabilities of the outcomes of each word `of`."""
    total = np.bincount(of, counts, minlength=num_of)
    return counts / np.maximum(total, 1e-30)[of]


def _with_floor(probabilities: NDArray[np.float64]) -> Array:
    """The probabilities, none below the floor, and one more at the floor, for words never seen."""
    return np.append(np.maximum(probabilities, FLOOR), FLOOR).astype(np.float32)
