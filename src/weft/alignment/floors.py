"""Aligners that read no word, only how many there are: what every other one must beat."""

from __future__ import annotations

import numpy as np

from weft.alignment.pairs import Pairs


def floors(num_source: int, num_target: int, *, generator: np.random.Generator) -> dict[str, Pairs]:
    """The links of every such aligner by its name, for a sentence pair of these numbers of words."""
    return {
        "diagonal": diagonal_links(num_source, num_target),
        "random": random_links(num_source, num_target, generator=generator),
    }


def diagonal_links(num_source: int, num_target: int) -> Pairs:
    """Each target word linked to the source word into whose share of the sentence its own middle falls."""
    if not num_source:
        return frozenset()
    return frozenset(((2 * j + 1) * num_source // (2 * num_target), j) for j in range(num_target))


def random_links(num_source: int, num_target: int, *, generator: np.random.Generator) -> Pairs:
    """Each target word linked to one source word, any of them with the same probability."""
    if not num_source:
        return frozenset()
    chosen = generator.integers(num_source, size=num_target)
    return frozenset(zip(chosen.tolist(), range(num_target), strict=True))
