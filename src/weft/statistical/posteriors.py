"""What the aligner says of one sentence pair, in both directions, and links that each direction decides for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Links = frozenset[tuple[int, int]]
"""Links `(source word, target word)`, counted from 0, as `alignment.pairs` has them."""


@dataclass(frozen=True)
class Posteriors:
    """Probabilities of links, both with one row a target word and one column a source word."""

    forward: Array
    """`[t s]`: that target word t came from source word s; a row and its `forward_null` sum to 1."""
    reverse: Array
    """`[t s]`: that source word s came from target word t; a column and its `reverse_null` sum to 1."""
    forward_null: Array
    """`[t]`: that target word t came from no word."""
    reverse_null: Array
    """`[s]`: that source word s came from no word."""

    def forward_links(self) -> Links:
        """Each target word with the source word it most likely came from, unless no word is likelier."""
        return _likeliest(self.forward, self.forward_null)

    def reverse_links(self) -> Links:
        """Each source word with the target word it most likely came from, unless no word is likelier."""
        return frozenset((s, t) for t, s in _likeliest(self.reverse.T, self.reverse_null))

    def agreed(self) -> Array:
        """How sure both directions are of a link, the geometric mean of their posteriors, `[t s]`."""
        shares: Array = np.sqrt(self.forward * self.reverse)
        return shares


def links_above(shares: Array, threshold: float) -> Links:
    """Every link whose share in `[t s]` is at least the threshold: any number a word, or none."""
    target, source = (shares >= threshold).nonzero()
    return frozenset(zip(source.tolist(), target.tolist(), strict=True))


def _likeliest(words: Array, null: Array) -> Links:
    """`(s, t)` of each row t of `[t s]` whose maximum is above `null[t]`; the first of equals counts."""
    if not words.size:
        return frozenset()
    best, rows = words.argmax(1), np.arange(len(words))
    found = words[rows, best] > null
    return frozenset(zip(best[found].tolist(), rows[found].tolist(), strict=True))
