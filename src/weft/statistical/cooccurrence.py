"""Which words stand together in some sentence pair: the sparse table that a lexicon has its entries in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weft.statistical.blocks import Block

Ids = NDArray[np.int32]
Keys = NDArray[np.int64]
HELD_KEYS = 1 << 25
"""Keys that are gathered before they are merged: 256 MB."""


@dataclass(frozen=True)
class Cooccurrence:
    """The word pairs that have a place, sorted by source word, then target word."""

    sources: Ids
    """Source word of each place, `[w]`."""
    targets: Ids
    """Target word of each place, `[w]`."""
    num_target: int
    """Words of the target vocabulary."""

    def __len__(self) -> int:
        return len(self.sources)

    @classmethod
    def of(cls, blocks: Iterable[Block], *, num_target: int) -> Cooccurrence:
        """Every word pair of the blocks."""
        held: list[Keys] = []
        size = 0
        for block in blocks:
            held.append(_distinct(np.sort(_keys(block, num_target))))
            size += len(held[-1])
            if size > HELD_KEYS:
                held = [_distinct(np.sort(np.concatenate(held)))]
                size = 0  # what is merged counts as nothing, or a large table would be merged again at every block
        keys = _distinct(np.sort(np.concatenate(held))) if held else np.zeros(0, np.int64)
        return cls((keys // num_target).astype(np.int32), (keys % num_target).astype(np.int32), num_target)

    def keys(self) -> Keys:
        """One number for each word pair, ascending, `[w]`."""
        return self.sources.astype(np.int64) * self.num_target + self.targets

    def keep(self, places: NDArray[np.bool_]) -> Cooccurrence:
        """The same table with some of its places, `[w]`: True stays."""
        return Cooccurrence(self.sources[places], self.targets[places], self.num_target)


def places(block: Block, keys: Keys, *, num_target: int) -> Ids:
    """The place of every word pair of a block among the sorted `keys`, `[b t s]`; one that has none gets `len(keys)`.

    The pairs are looked up in ascending order, each once: several times faster than in the order of the text.
    """
    came = _keys(block, num_target)
    wanted, inverse = distinct(came)
    found = np.searchsorted(keys, wanted)
    if len(keys):
        found[keys[np.minimum(found, len(keys) - 1)] != wanted] = len(keys)
    shape = (len(block.rows), block.targets.shape[1], block.sources.shape[1])
    return found.astype(np.int32)[inverse].reshape(shape)


def distinct(keys: Keys) -> tuple[Keys, Keys]:
    """The different keys, ascending, and for each of the given ones its place among them."""
    bits = int(keys.size).bit_length()
    if not keys.size or int(keys.max()).bit_length() + bits >= 63:  # vocabularies of millions of words
        return np.unique(keys, return_inverse=True)
    ordered = np.sort((keys << bits) | np.arange(keys.size))  # a key and its place in one number: one plain sort
    values, order = ordered >> bits, ordered & ((1 << bits) - 1)
    first = _first(values)
    inverse = np.empty(keys.size, np.int64)
    inverse[order] = np.cumsum(first) - 1
    return values[first], inverse


def _keys(block: Block, num_target: int) -> Keys:
    """Keys of all word pairs, `[b * t * s]`; negative where a word is unknown."""
    sources, targets = block.sources[:, None, :].astype(np.int64), block.targets[:, :, None]
    keys = sources * num_target + targets
    return np.where((sources < 0) | (targets < 0), -1, keys).ravel()


def _distinct(ordered: Keys) -> Keys:
    return ordered[_first(ordered)]


def _first(ordered: Keys) -> NDArray[np.bool_]:
    """True where a sorted value differs from the one before it."""
    first = np.ones(len(ordered), np.bool_)
    first[1:] = ordered[1:] != ordered[:-1]
    return first
