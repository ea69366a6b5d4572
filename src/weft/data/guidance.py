"""Links between words, followed through whatever tokens the words are cut into: what guides an alignment head.

Garg et al. 2019, https://arxiv.org/abs/1909.02074, section 4.2, with links given on words instead of on tokens: a token
is linked to the tokens of the words that its own word is linked to. Words are known by where they stand in the bytes of
a text, and so is every token, whichever way BPE dropout cuts it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from weft.base.edges import NO_WORD
from weft.base.errors import DataError
from weft.data.compose import compose
from weft.data.corpus import Example, Lengths, TokenLinks
from weft.data.ragged import Ragged
from weft.data.tokenizer import Span, Tokenizer
from weft.data.utf8 import byte_offsets

Rows = NDArray[np.int64]
Places = NDArray[np.int32]


@dataclass(frozen=True)
class WordLinks:
    """The words of every row and the links between them.

    Row r of `source` and of `target` holds start and end of each word, one after the other, in the bytes of the text
    (`bounds_in_bytes`); row r of `links` holds source word and target word of each link, one after the other.
    """

    source: Ragged
    target: Ragged
    links: Ragged

    def __post_init__(self) -> None:
        rows = [len(self.source), len(self.target), len(self.links)]
        if len(set(rows)) != 1:
            raise DataError(f"wanted words and links for the same rows, got {rows}; link every row, if with nothing")

    def __len__(self) -> int:
        return len(self.links)


class Guided(Protocol):
    """Examples to be guided."""

    def __len__(self) -> int: ...

    def lengths(self, epoch: int) -> Lengths: ...

    def draw(self, epoch: int) -> Rows: ...

    def example(self, row: int, epoch: int) -> Example: ...


class Guidance:
    """Examples with links between their tokens, from links between words; all else is as it was."""

    def __init__(self, examples: Guided, words: WordLinks, tokenizer: Tokenizer) -> None:
        """`words` has the rows of `examples`. Raises DataError if it has others."""
        if len(words) != len(examples):
            raise DataError(f"wanted links for {len(examples)} rows, got {len(words)}; link the rows that are read")
        self._examples, self._words, self._tokenizer = examples, words, tokenizer

    def __len__(self) -> int:
        return len(self._examples)

    def lengths(self, epoch: int) -> Lengths:
        return self._examples.lengths(epoch)

    def draw(self, epoch: int) -> Rows:
        return self._examples.draw(epoch)

    def example(self, row: int, epoch: int) -> Example:
        """The example as it is cut in this epoch, and what its tokens came from."""
        plain = self._examples.example(row, epoch)
        words = self._words
        source = words_of_tokens(self._tokenizer.bounds_in_bytes(plain.source), words.source[row])
        target = words_of_tokens(self._tokenizer.bounds_in_bytes(plain.target), words.target[row])
        return replace(plain, links=token_links(source, target, words.links[row].reshape(-1, 2)))


def bounds_in_bytes(text: str, words: Sequence[Span]) -> Places:
    """Start and end of each word, one after the other, in the bytes that `Tokenizer.bounds_in_bytes` counts.

    `words` are spans of code points of the text as given; those bytes are of its composed form (NFC).
    """
    composed = compose(text)
    spans = np.asarray(words, np.int64).reshape(-1, 2)
    first = np.searchsorted(composed.ends, spans[:, 0], side="right")
    last = np.searchsorted(composed.starts, spans[:, 1], side="left")
    offsets = byte_offsets(composed.text)
    return np.stack([offsets[first], offsets[last]], 1).astype(np.int32).ravel()


def words_of_tokens(tokens: NDArray[np.int64], words: Places) -> Places:
    """The word that each token (start and end, `[m 2]`) lies in; the first of several, -1 for a token in none."""
    bounds = words.reshape(-1, 2)
    if not len(bounds):
        return np.full(len(tokens), -1, np.int32)
    place = np.searchsorted(bounds[:, 1], tokens[:, 0], side="right")
    inside = np.minimum(place, len(bounds) - 1)
    meets = (place < len(bounds)) & (bounds[inside, 0] < tokens[:, 1])
    return np.where(meets, inside, -1).astype(np.int32)


def token_links(source: Places, target: Places, links: Places) -> TokenLinks:
    """Links of tokens, from the word of each source and target token and the links `[m 2]` between words.

    A target token shares its weight equally among all tokens of all words that its word came from; one whose word came
    from none gets one link to no word; one that lies in no word gets none.
    """
    num_source, num_target = (int(words.max(initial=-1)) + 1 for words in (source, target))
    fits = (links[:, 0] < num_source) & (links[:, 1] < num_target)  # a word of which no token is left has no part
    table = np.zeros((num_target + 1, num_source + 1), bool)  # the last row and column are those of -1
    table[links[fits, 1], links[fits, 0]] = True
    linked = table[target][:, source] & (source >= 0)
    at_target, at_source = linked.nonzero()
    counts = linked.sum(1)
    alone = ((target >= 0) & (counts == 0)).nonzero()[0]
    return TokenLinks(
        np.concatenate([at_target, alone]).astype(np.int32),
        np.concatenate([at_source, np.full(len(alone), NO_WORD)]).astype(np.int32),
        np.concatenate([1 / np.maximum(counts, 1)[at_target], np.ones(len(alone))]).astype(np.float32),
    )
