"""Which shares are links: from how much of each target word came from where, to yes or no."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from weft.alignment.monotone import monotone_path
from weft.alignment.settings import AlignmentSettings, Decision
from weft.alignment.side import Array

Links = NDArray[np.bool_]
LOCAL: frozenset[Decision] = frozenset({"best_and_threshold", "argmax", "threshold"})
"""Decisions about a target word that need no other target word, so that they can be taken while it is streamed."""


def decide(mass: Array, unaligned: Array, settings: AlignmentSettings) -> Links:
    """True where target j is linked to source i, for shares `[t s]` of sources and `[t]` of no word.

    A share of zero is never a link. With `null_competes`, a target whose share on no word is above that on its best
    source has none.
    """
    if not mass.size:
        return np.zeros(mass.shape, np.bool_)
    links = DECISIONS[settings.decision](mass, max(settings.threshold, np.finfo(np.float64).tiny))
    if settings.null_competes:
        links &= (unaligned <= mass.max(1))[:, None]
    return links


def argmax(mass: Array, threshold: float) -> Links:
    """Each target's best source; the first of equals."""
    links = np.zeros(mass.shape, np.bool_)
    best = mass.argmax(1)
    rows = np.arange(len(mass))
    links[rows, best] = mass[rows, best] > 0
    return links


def at_threshold(mass: Array, threshold: float) -> Links:
    """Every share of at least the threshold."""
    links: Links = mass >= threshold
    return links


def best_and_threshold(mass: Array, threshold: float) -> Links:
    """Each target's best source and every further one of at least the threshold."""
    return argmax(mass, threshold) | at_threshold(mass, threshold)


def mutual(mass: Array, threshold: float) -> Links:
    """Pairs that are each other's best."""
    return argmax(mass, threshold) & argmax(mass.T, threshold).T


def monotone(mass: Array, threshold: float) -> Links:
    """Best and threshold among the cells of the best monotone path, for languages (or speech) in the same order."""
    return best_and_threshold(np.where(monotone_path(mass), mass, 0), threshold)


DECISIONS: dict[Decision, Callable[[Array, float], Links]] = {
    "best_and_threshold": best_and_threshold,
    "argmax": argmax,
    "threshold": at_threshold,
    "mutual": mutual,
    "monotone": monotone,
}
