"""A parallel corpus in memory: texts, token ids in flat arrays, and the tag of the target language."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from weft.base.errors import DataError
from weft.data.clean import Cleaner, Cleaning, CleaningReport
from weft.data.ragged import Ragged
from weft.data.tokenizer import Tokenizer

_log = logging.getLogger(__name__)
_CHUNK = 20_000  # pairs tokenised at a time


@dataclass(frozen=True)
class TokenLinks:
    """Token `target[m]` of a pair came from its token `source[m]` (-1: from no word), with `weight[m]`; see `Edges`."""

    target: NDArray[np.int32]
    source: NDArray[np.int32]
    weight: NDArray[np.float32]


@dataclass(frozen=True)
class Example:
    """One pair as token ids without specials, and the tag of its target language; `links` if anybody gave some."""

    source: NDArray[np.int32]
    target: NDArray[np.int32]
    tag: int
    links: TokenLinks | None = None


@dataclass(frozen=True)
class Lengths:
    """Numbers of tokens, without specials, of the source and of the target of every row."""

    source: NDArray[np.int64]
    target: NDArray[np.int64]


@dataclass(frozen=True)
class PairCorpus:
    """Sentence pairs of one origin and one direction, cleaned and tokenised."""

    name: str
    source_texts: list[str]
    target_texts: list[str]
    source: Ragged
    target: Ragged
    tag: int
    report: CleaningReport

    @classmethod
    def build(
        cls,
        pairs: Iterable[tuple[str, str]],
        tokenizer: Tokenizer,
        *,
        target_language: str,
        cleaning: Cleaning | None = None,
        name: str = "corpus",
    ) -> PairCorpus:
        """The pairs that cleaning keeps, in their order; the report says what was dropped, and is logged.

        Raises ConfigError for a language the tokenizer has no tag for, DataError if nothing is left.
        """
        tag = tokenizer.tag(target_language)
        cleaner = Cleaner(cleaning or Cleaning())
        kept = list(_kept(pairs, tokenizer, cleaner))
        _log.info("%s: %s", name, cleaner.report)
        if not kept:
            raise DataError(f"{name}: wanted at least one pair, {cleaner.report}; check the files and the cleaning")
        return cls(
            name=name,
            source_texts=[pair.source_text for pair in kept],
            target_texts=[pair.target_text for pair in kept],
            source=Ragged.of(pair.source for pair in kept),
            target=Ragged.of(pair.target for pair in kept),
            tag=tag,
            report=cleaner.report,
        )

    def __len__(self) -> int:
        return len(self.source)

    def lengths(self, epoch: int) -> Lengths:
        """The numbers of tokens of each row, the same in every epoch."""
        return Lengths(self.source.lengths, self.target.lengths)

    def example(self, row: int, epoch: int) -> Example:
        """The token ids of a row, the same in every epoch."""
        return Example(self.source[row], self.target[row], self.tag)

    def texts(self, row: int) -> tuple[str, str]:
        """Source and target of a row, as they were read."""
        return self.source_texts[row], self.target_texts[row]

    def draw(self, epoch: int) -> NDArray[np.int64]:
        """The rows of an epoch: all of them, once."""
        return np.arange(len(self), dtype=np.int64)

    def sample(self, count: int, *, seed: int) -> PairCorpus:
        """At most `count` rows, chosen by the seed, in their order."""
        chosen = np.random.default_rng(seed).permutation(len(self))[:count]
        return self._select(np.sort(chosen))

    def _select(self, rows: NDArray[np.int64]) -> PairCorpus:
        return replace(
            self,
            source_texts=[self.source_texts[row] for row in rows],
            target_texts=[self.target_texts[row] for row in rows],
            source=self.source.select(rows),
            target=self.target.select(rows),
        )


@dataclass(frozen=True)
class _Pair:
    source_text: str
    target_text: str
    source: NDArray[np.int32]
    target: NDArray[np.int32]


def _kept(pairs: Iterable[tuple[str, str]], tokenizer: Tokenizer, cleaner: Cleaner) -> Iterator[_Pair]:
    """The pairs that the cleaner accepts, tokenised many at a time."""
    stream = (pair for pair in pairs if cleaner.accepts_text(*pair))
    while chunk := list(islice(stream, _CHUNK)):
        sources = tokenizer.encode_batch([source for source, _ in chunk])
        targets = tokenizer.encode_batch([target for _, target in chunk])
        for (source_text, target_text), source, target in zip(chunk, sources, targets, strict=True):
            if cleaner.accepts_tokens(len(source), len(target)):
                yield _Pair(source_text, target_text, np.array(source, np.int32), np.array(target, np.int32))
