"""What spelling says before any count: words of one stem are translated alike, and words that look alike are a pair."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weft.statistical.blocks import Block, Ids
from weft.statistical.cooccurrence import Cooccurrence, distinct
from weft.statistical.settings import StatisticalSettings
from weft.statistical.vocabulary import Vocabulary

Numbers = NDArray[np.float64]
STEM = 4
"""Letters from the start of a word that stand for its stem; a shorter word is its own stem."""


@dataclass(frozen=True)
class Prior:
    """Counts that are added to those of a lexicon's places, so that rare words lean on what is known of others."""

    table: Cooccurrence
    alike: NDArray[np.bool_]
    """`[w]`: whether both words have the same stem (names, numbers, cognates)."""
    family: Ids
    """`[w]`: which pair of stems a place belongs to."""
    source_stem: Ids
    """`[k]`: of each such pair."""
    target_stem: Ids
    source_share: Numbers
    """How much of its stem's occurrences each source word is."""
    target_share: Numbers
    alike_count: float
    family_count: float

    @classmethod
    def of(
        cls,
        table: Cooccurrence,
        text: Iterable[Block],
        *,
        source: Vocabulary,
        target: Vocabulary,
        settings: StatisticalSettings,
    ) -> Prior:
        """The prior of the places in the table, with shares as the words stand in the text."""
        stems: dict[str, int] = {}
        of_source, of_target = (
            np.array([stems.setdefault(word[:STEM], len(stems)) for word in words], np.int32)
            for words in (source.words, target.words)
        )
        here, there = of_source[table.sources], of_target[table.targets]
        keys, family = distinct(here.astype(np.int64) * len(stems) + there)
        return cls(
            table,
            alike=here == there,
            family=family.astype(np.int32),
            source_stem=(keys // len(stems)).astype(np.int32),
            target_stem=(keys % len(stems)).astype(np.int32),
            source_share=_shares((block.sources for block in text), of_source),
            target_share=_shares((block.targets for block in text), of_target),
            alike_count=settings.alike_count,
            family_count=settings.family_count,
        )

    def forward(self, counts: Numbers) -> Numbers:
        """What is added to the counts of targets given sources, both `[w]`."""
        return self._added(counts, self.source_stem, self.target_share[self.table.targets])

    def reverse(self, counts: Numbers) -> Numbers:
        """What is added to the counts of sources given targets."""
        return self._added(counts, self.target_stem, self.source_share[self.table.sources])

    def _added(self, counts: Numbers, of: Ids, share: Numbers) -> Numbers:
        """For each word, `family_count` shared out as its stem is translated, and `alike_count` to each of its stem."""
        together = np.bincount(self.family, counts, minlength=len(of))
        total = np.bincount(of, together)
        translated = together / np.maximum(total, 1e-30)[of]
        added: Numbers = translated[self.family] * share
        added *= self.family_count
        added[self.alike] += self.alike_count
        return added


def _shares(sides: Iterable[Ids], stems: Ids) -> Numbers:
    counts = np.zeros(len(stems))
    for words in sides:
        np.add.at(counts, words.ravel(), 1.0)
    total = np.bincount(stems, counts)
    return counts / np.maximum(total, 1.0)[stems]
