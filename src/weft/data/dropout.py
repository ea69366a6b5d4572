"""BPE dropout: now and then a merge is left out, so that a model sees a word cut in several ways.

Provilkov, Emelianenko and Voita 2020, https://arxiv.org/abs/1910.13267, section 3: before every merge each merge that is
possible is dropped with a probability (0.1 in the paper), and the best of the rest is made.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import chain, pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from weft.base.errors import ConfigError
from weft.data.corpus import Example
from weft.data.tokenizer import Merges, Tokenizer


class TextExamples(Protocol):
    """Examples whose texts are at hand, to be cut again."""

    @property
    def source_lengths(self) -> NDArray[np.int64]: ...

    @property
    def target_lengths(self) -> NDArray[np.int64]: ...

    def draw(self, epoch: int) -> NDArray[np.int64]: ...

    def example(self, row: int, epoch: int) -> Example: ...

    def texts(self, row: int) -> tuple[str, str]: ...


class SubwordDropout:
    """Examples cut anew in every epoch, on both sides: a pure function of seed, epoch and row.

    Lengths, and with them the token budget of a batch, are those of the plain cut: with probability 0.1 real ones are
    about a fifth longer.
    """

    def __init__(self, examples: TextExamples, tokenizer: Tokenizer, *, probability: float, seed: int) -> None:
        if not 0.0 <= probability <= 1.0:
            raise ConfigError(f"probability must be from 0 to 1, got {probability}; 0.1 is usual")
        self._examples, self._tokenizer = examples, tokenizer
        self._merges = tokenizer.merges()
        self._probability, self._seed = probability, seed

    @property
    def source_lengths(self) -> NDArray[np.int64]:
        return self._examples.source_lengths

    @property
    def target_lengths(self) -> NDArray[np.int64]:
        return self._examples.target_lengths

    def draw(self, epoch: int) -> NDArray[np.int64]:
        return self._examples.draw(epoch)

    def texts(self, row: int) -> tuple[str, str]:
        return self._examples.texts(row)

    def example(self, row: int, epoch: int) -> Example:
        # Python's generator: thousands of single numbers a batch would cost torch's as many calls of an operator.
        generator = random.Random(f"{self._seed} {epoch} {row}")
        source, target = (self._cut(text, generator) for text in self._examples.texts(row))
        return Example(source, target, self._examples.example(row, epoch).tag)

    def _cut(self, text: str, generator: random.Random) -> NDArray[np.int32]:
        pieces = self._tokenizer.pieces(text)
        ids = chain.from_iterable(
            segment(piece, self._merges, probability=self._probability, generator=generator) for piece in pieces
        )
        return np.fromiter(ids, dtype=np.int32)


def segment(piece: Sequence[int], merges: Merges, *, probability: float, generator: random.Random) -> list[int]:
    """The ids that merging makes of the byte ids of one piece of text; probability 0 is plain byte-pair encoding."""
    tokens = list(piece)
    while (place := _best_merge(tokens, merges, probability, generator)) is not None:
        tokens[place : place + 2] = [merges[tokens[place], tokens[place + 1]].token]
    return tokens


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
