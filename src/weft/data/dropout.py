"""BPE dropout: now and then a merge is left out, so that a model sees a word cut in several ways.

Provilkov, Emelianenko and Voita 2020, https://arxiv.org/abs/1910.13267, section 3: before every merge each merge that
is possible is dropped with a probability (0.1 in the paper), and the best of the rest is made.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from weft.base.errors import ConfigError
from weft.data.corpus import Example, Lengths
from weft.data.ragged import Ragged
from weft.data.tokenizer import Merges, Tokenizer


class TextExamples(Protocol):
    """Examples whose texts are at hand, to be cut again."""

    def __len__(self) -> int: ...

    def draw(self, epoch: int) -> NDArray[np.int64]: ...

    def example(self, row: int, epoch: int) -> Example: ...

    def texts(self, row: int) -> tuple[str, str]: ...


class CutTexts:
    """Texts cut anew in every epoch: a pure function of seed, epoch, side and row. Speaks `ragged.Sequences`.

    Each occurrence of a word takes one of its cuts at random, another in each epoch; cutting every occurrence afresh
    takes longer than a GPU takes to train on it, and batches must know the lengths of a whole epoch before it begins.
    """

    def __init__(self, texts: Iterable[str], cuts: Cuts, *, side: int, seed: int) -> None:
        """`side` tells the texts of a row from each other."""
        self._words, self._cuts = Ragged.of(cuts.words(text) for text in texts), cuts
        self._side, self._seed = side, seed

    def __len__(self) -> int:
        return len(self._words)

    def lengths_in(self, epoch: int) -> NDArray[np.int64]:
        """The numbers of tokens of each text in this epoch."""
        choices = self._choices(0, len(self._words.values), epoch)
        ends = np.cumsum([0, *self._cuts.lengths(self._words.values, choices)], dtype=np.int64)
        return np.diff(ends[self._words.offsets])

    def ids(self, row: int, epoch: int) -> NDArray[np.int32]:
        """The tokens of a text in this epoch."""
        start, end = (int(place) for place in self._words.offsets[row : row + 2])
        return self._cuts.joined(self._words[row], self._choices(start, end, epoch))

    def _choices(self, start: int, end: int, epoch: int) -> NDArray[np.int64]:
        """Which variant the words from `start` to `end` take."""
        return scramble(np.arange(start, end), key=_key(self._seed, epoch, self._side)) % self._cuts.variants


class SubwordDropout:
    """Examples cut anew in every epoch, on both sides: a pure function of seed, epoch and row."""

    def __init__(
        self, examples: TextExamples, tokenizer: Tokenizer, *, probability: float, seed: int, variants: int = 32
    ) -> None:
        self._examples = examples
        cuts = Cuts(tokenizer, probability=probability, seed=seed, variants=variants)
        texts = [examples.texts(row) for row in range(len(examples))]
        self._source = CutTexts((source for source, _ in texts), cuts, side=0, seed=seed)
        self._target = CutTexts((target for _, target in texts), cuts, side=1, seed=seed)

    def __len__(self) -> int:
        return len(self._examples)

    def draw(self, epoch: int) -> NDArray[np.int64]:
        return self._examples.draw(epoch)

    def texts(self, row: int) -> tuple[str, str]:
        return self._examples.texts(row)

    def lengths(self, epoch: int) -> Lengths:
        """The numbers of tokens of each row in this epoch."""
        return Lengths(self._source.lengths_in(epoch), self._target.lengths_in(epoch))

    def example(self, row: int, epoch: int) -> Example:
        tag = self._examples.example(row, epoch).tag
        return Example(self._source.ids(row, epoch), self._target.ids(row, epoch), tag)


class Cuts:
    """The cuts of every word that was met: variant k of a word is a pure function of the seed, the word and k."""

    def __init__(self, tokenizer: Tokenizer, *, probability: float, seed: int, variants: int = 32) -> None:
        if not 0.0 <= probability <= 1.0:
            raise ConfigError(f"probability of dropout must be from 0 to 1, got {probability}; 0.1 is usual")
        self.variants = variants
        self._tokenizer, self._merges = tokenizer, tokenizer.merges()
        self._probability, self._seed = probability, seed
        self._numbers: dict[str, int] = {}
        self._words: list[str] = []
        self._made: dict[int, list[int]] = {}

    def words(self, text: str) -> list[int]:
        """The number of each word of the text; numbers count the distinct words met so far."""
        words = self._tokenizer.pieces(text)
        for word in words:
            if self._numbers.setdefault(word, len(self._words)) == len(self._words):
                self._words.append(word)
        return [self._numbers[word] for word in words]

    def lengths(self, words: NDArray[np.int32], choices: NDArray[np.int64]) -> NDArray[np.int64]:
        """The number of tokens of each word, cut as chosen."""
        keys, inverse = np.unique(words.astype(np.int64) * self.variants + choices, return_inverse=True)
        return np.array([len(self._variant(key)) for key in keys.tolist()], dtype=np.int64)[inverse]

    def joined(self, words: NDArray[np.int32], choices: NDArray[np.int64]) -> NDArray[np.int32]:
        """The tokens of all these words, cut as chosen."""
        keys = words.astype(np.int64) * self.variants + choices
        return np.array([token for key in keys.tolist() for token in self._variant(key)], dtype=np.int32)

    def _variant(self, key: int) -> list[int]:
        if key not in self._made:
            word, number = self._words[key // self.variants], key % self.variants
            # Python's generator: single numbers, of which torch's makes thousands where this makes millions.
            generator = random.Random(f"{self._seed} {number} {word}")
            self._made[key] = segment(
                self._tokenizer.byte_ids(word), self._merges, probability=self._probability, generator=generator
            )
        return self._made[key]


def segment(piece: Sequence[int], merges: Merges, *, probability: float, generator: random.Random) -> list[int]:
    """The ids that merging makes of the byte ids of one piece of text; probability 0 is plain byte-pair encoding."""
    tokens = list(piece)
    while (place := _best_merge(tokens, merges, probability, generator)) is not None:
        tokens[place : place + 2] = [merges[tokens[place], tokens[place + 1]].token]
    return tokens


def scramble(places: NDArray[np.int64], *, key: np.uint64) -> NDArray[np.int64]:
    """A random number from 0 to 2**32 for each place, whichever other places are asked for.

    SplitMix64 (Steele, Lea and Flood 2014, https://doi.org/10.1145/2714064.2660195).
    """
    state = places.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + key
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((state ^ (state >> np.uint64(31))) >> np.uint64(32)).astype(np.int64)


@lru_cache
def _key(*numbers: int) -> np.uint64:
    """One key for one stream of random numbers."""
    return np.uint64(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0])


def _best_merge(tokens: list[int], merges: Merges, probability: float, generator: random.Random) -> int | None:
    """The place of the earliest-learnt merge that is possible and not dropped; None if there is none.

    The coin is thrown only for merges that would win: those it is not thrown for could not.
    """
    best, best_rank = None, len(merges)
    for place, pair in enumerate(pairwise(tokens)):
        merge = merges.get(pair)
        if merge is not None and merge.rank < best_rank and generator.random() >= probability:
            best, best_rank = place, merge.rank
    return best
