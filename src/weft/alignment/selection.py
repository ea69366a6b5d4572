"""Settings chosen by what they link: as the model of the other direction does, or as people did on a dev file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weft.alignment.decide import Links
from weft.alignment.extract import word_weights
from weft.alignment.measure import Counts, count, total
from weft.alignment.pairs import Gold
from weft.alignment.read import combined
from weft.alignment.settings import AlignmentSettings
from weft.alignment.side import Side
from weft.base.errors import DataError
from weft.base.shapes import Float, Tensor

_FEW = 3  # of the best readings, for which all further rules are tried
_THRESHOLDS = (0.1, 0.15, 0.2, 0.3, 0.4)


@dataclass(frozen=True)
class Seen:
    """One pair with what every head read of it: weights `[l h t s]` and norms `[l h s]`, as recorded."""

    weights: Float[Tensor, "l h t s"]
    norms: Float[Tensor, "l h s"]
    source: Side
    target: Side

    def links(self, settings: AlignmentSettings) -> Links:
        """The links between words `[t s]` by some settings."""
        heads = list(settings.heads)
        norms = self.norms[settings.layer, heads] if settings.norm_weighting else None
        read = combined(self.weights[settings.layer, heads], norms)
        return word_weights(read, source=self.source, target=self.target, settings=settings).linked


@dataclass(frozen=True)
class Agreed:
    """A reading of each direction, and the share of all their links, in either, that both have."""

    agreement: float
    forward: AlignmentSettings
    reverse: AlignmentSettings


@dataclass(frozen=True)
class Rated:
    """Settings and what their links are worth against gold ones."""

    counts: Counts
    settings: AlignmentSettings


def readings(num_layers: int, num_heads: int, base: AlignmentSettings) -> list[AlignmentSettings]:
    """Where an alignment may be read: each head and each layer's mean, one step late or not, by norm or not."""
    groups = [(head,) for head in range(num_heads)] + ([tuple(range(num_heads))] if num_heads > 1 else [])
    return [
        base.model_copy(update={"layer": layer, "heads": heads, "shift": shift, "norm_weighting": norm})
        for layer in range(num_layers)
        for heads in groups
        for shift in (True, False)
        for norm in (False, True)
    ]


def rules(reading: AlignmentSettings) -> Iterator[AlignmentSettings]:
    """How one reading may become links: every decision on words and on tokens, with and without the rules beside it."""
    decisions = [("argmax", 0.0), ("mutual", 0.0), *(("best_and_threshold", each) for each in _THRESHOLDS)]
    for decision, threshold in [*decisions, *(("threshold", each) for each in _THRESHOLDS)]:
        for unit in ("words", "tokens"):
            for marks in (False, True):
                for competes in (False, True):
                    yield reading.model_copy(
                        update={
                            "decision": decision,
                            "threshold": threshold,
                            "decide_on": unit,
                            "final_punctuation": marks,
                            "null_competes": competes,
                        }
                    )


def choose_by_agreement(
    forward: Iterable[Seen], reverse: Iterable[Seen], *, base: AlignmentSettings
) -> tuple[Agreed, ...]:
    """Readings of the two directions whose links agree most, best first: |both| / |either| over all pairs, no gold.

    `reverse` holds the same pairs seen by a model of the other direction, source and target changed over, over the same
    words. `base` gives all rules but the reading. Two heads that both read the diagonal agree without aligning: look at
    the figure that `choose` gives a winner before trusting it. Raises DataError if there is no pair.
    """
    both: NDArray[np.float64] | None = None
    for one, other in zip(forward, reverse, strict=True):
        ways = _readings_of(one, base), _readings_of(other, base)
        mine = np.stack([one.links(each).ravel() for each in ways[0]]).astype(np.float32)
        theirs = np.stack([other.links(each).T.ravel() for each in ways[1]]).astype(np.float32)
        if both is None:
            both, of_mine, of_theirs = np.zeros((len(mine), len(theirs))), np.zeros(len(mine)), np.zeros(len(theirs))
        both += mine @ theirs.T
        of_mine += mine.sum(1)
        of_theirs += theirs.sum(1)
    if both is None:
        raise DataError("choosing heads by agreement needs sentence pairs, got none; give dev pairs")
    either = of_mine[:, None] + of_theirs - both
    share = np.divide(both, either, out=np.zeros_like(both), where=either > 0)
    order = np.argsort(-share, axis=None, kind="stable").tolist()
    return tuple(
        Agreed(float(share.flat[place]), ways[0][place // len(ways[1])], ways[1][place % len(ways[1])])
        for place in order
    )


def choose_by_gold(pairs: Sequence[Seen], gold: Sequence[Gold], *, base: AlignmentSettings) -> tuple[Rated, ...]:
    """Settings by the alignment error rate of their links, best first: every reading, then every rule for the best few.

    The links of one direction are rated. What is chosen on a file says nothing of that file: report on another. Raises
    DataError if there is no pair.
    """
    if not pairs:
        raise DataError("choosing settings by gold links needs sentence pairs, got none; give a dev file with links")
    table = _rated(pairs, gold, _readings_of(pairs[0], base))
    table += _rated(pairs, gold, [each for best in table[:_FEW] for each in rules(best.settings)])
    return tuple(sorted(table, key=lambda one: one.counts.aer))


def _readings_of(pair: Seen, base: AlignmentSettings) -> list[AlignmentSettings]:
    num_layers, num_heads = pair.weights.shape[:2]
    return readings(num_layers, num_heads, base)


def _rated(pairs: Sequence[Seen], gold: Sequence[Gold], candidates: Sequence[AlignmentSettings]) -> list[Rated]:
    found = []
    for settings in candidates:
        links = [frozenset((i, j) for j, i in np.argwhere(pair.links(settings)).tolist()) for pair in pairs]
        counts = total(count(mine, true) for mine, true in zip(links, gold, strict=True))
        found.append(Rated(counts, settings))
    return sorted(found, key=lambda one: one.counts.aer)
