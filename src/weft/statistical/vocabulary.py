"""Words as numbers, without regard to case, and a known word to stand in for one that was never seen."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int32]
SHORTEST_PREFIX = 4
"""Letters that a word must share with another to be taken for a form of it."""


def folded(word: str) -> str:
    """The word as the aligner reads it: lower-cased."""
    return word.lower()


class Vocabulary:
    """The known words of one side; the id of a word is its place in `words`, the most frequent first."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = tuple(words)
        self._ids = {word: number for number, word in enumerate(self.words)}

    def __len__(self) -> int:
        return len(self.words)

    @classmethod
    def of(cls, sentences: Iterable[Sequence[str]]) -> Vocabulary:
        """Every word of the sentences; of equally frequent ones the first seen comes first."""
        counts: Counter[str] = Counter()
        for sentence in sentences:
            counts.update(map(folded, sentence))
        return cls([word for word, _ in counts.most_common()])

    def __contains__(self, word: str) -> bool:
        """Whether a folded word was seen."""
        return word in self._ids

    def ids(self, sentence: Sequence[str]) -> Ids:
        """The ids of the words, `[words]`; of a word never seen that of its stand-in, -1 if it has none."""
        return np.fromiter(map(self._id, sentence), np.int32, len(sentence))

    def _id(self, word: str) -> int:
        word = folded(word)
        number = self._ids.get(word)
        return self._stand_in(word) if number is None else number

    def _stand_in(self, word: str) -> int:
        """The known word that shares the longest prefix, if that is half of this one: a form of the same word."""
        place = bisect_left(self._sorted, word)
        around = self._sorted[max(place - 1, 0) : place + 1]  # what shares most is a neighbour
        shared, best = max(((_shared(word, known), known) for known in around), default=(0, ""))
        return self._ids[best] if shared >= max(SHORTEST_PREFIX, (len(word) + 1) // 2) else -1

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(self.words)


def _shared(one: str, other: str) -> int:
    """How many letters two words share from the start."""
    length = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        length += 1
    return length
