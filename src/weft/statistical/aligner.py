"""The statistical aligner: trained on sentence pairs alone, it says which words belong together in these and others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest

import numpy as np
import torch

from weft.base.errors import DataError
from weft.base.shapes import Tensor
from weft.statistical.blocks import Block, Ids, blocks
from weft.statistical.cooccurrence import Cooccurrence, Keys, places
from weft.statistical.jumps import Jumps
from weft.statistical.learning import Both, Model, Placed, Progress, by_places, by_words, learn
from weft.statistical.lexicon import Lexicon, with_extra
from weft.statistical.posteriors import Posteriors
from weft.statistical.prior import Prior
from weft.statistical.settings import StatisticalSettings
from weft.statistical.stored import check_tensors
from weft.statistical.vocabulary import Vocabulary, folded

Sentence = Sequence[str]
WINDOW = 4096
"""Sentence pairs that are aligned together: what is held in memory, and how late the first answer comes."""


def say_nothing(progress: Progress) -> None:
    """A report to nobody."""


@dataclass(frozen=True)
class Entry:
    """A word pair of the lexicon, its words in lower case."""

    source: str
    target: str
    forward: float
    """p(target | source)."""
    reverse: float
    """p(source | target)."""


@dataclass(frozen=True)
class StatisticalAligner:
    """IBM 1 and then an HMM with NULL, both directions trained together (see `learning`)."""

    settings: StatisticalSettings
    source: Vocabulary
    target: Vocabulary
    model: Model

    @classmethod
    def train(
        cls,
        sources: Sequence[Sentence],
        targets: Sequence[Sentence],
        *,
        settings: StatisticalSettings | None = None,
        report: Callable[[Progress], None] = say_nothing,
    ) -> StatisticalAligner:
        """An aligner that has read the pairs of `sources` and `targets`, sentences as lists of words.

        Deterministic. Pairs with an empty side teach nothing. Memory is about 4 bytes a pair of words that stand in one
        sentence pair, and 50 a different such pair. Raises DataError if there are not as many sources as targets, or no
        pair with words on both sides.
        """
        settings = settings or StatisticalSettings()
        _check(sources, targets)
        source, target = Vocabulary.of(sources), Vocabulary.of(targets)
        text = list(blocks([source.ids(one) for one in sources], [target.ids(one) for one in targets]))
        table = Cooccurrence.of(text, num_target=len(target))
        keys = table.keys()
        placed = [Placed(block, places(block, keys, num_target=len(target))) for block in text]
        del keys
        start = Jumps.at_first(settings.longest_jump)
        model = Model(Lexicon.uniform(table, num_source=len(source), num_target=len(target)), start, start)
        prior = Prior.of(table, text, source=source, target=target, settings=settings)
        model = learn(placed, model, settings=settings, prior=prior, report=report)
        return cls(settings, source, target, Model(model.lexicon.pruned(), model.forward, model.reverse))

    def posteriors(self, sources: Iterable[Sentence], targets: Iterable[Sentence]) -> Iterator[Posteriors]:
        """The posteriors of each pair, in order; `WINDOW` pairs are read ahead. Raises DataError if a side ends early.

        A word that was never seen is read as the known word that it shares most of its letters with, from the start; if
        there is none, all words are equally likely to be its translation, so that its neighbours decide, and NULL keeps
        its share. If it stands on the other side too, just so, that is its likely translation.
        """
        keys = self.model.lexicon.table.keys()
        pairs = _pairs(sources, targets)
        while window := list(islice(pairs, WINDOW)):
            yield from self._aligned([one for one, _ in window], [other for _, other in window], keys)

    def lexicon(self, *, least: float = 0.0) -> Iterator[Entry]:
        """The word pairs that are likely one way or the other, by source word, the likeliest translation first.

        Those below `least` in both directions are left out.
        """
        lexicon = self.model.lexicon
        table, pairs = lexicon.table, lexicon.pairs[: len(lexicon.table)]
        chosen = (pairs.max(1) >= least).nonzero()[0]
        order = chosen[np.lexsort((-pairs[chosen, 0], table.sources[chosen]))]
        for place in order.tolist():
            yield Entry(
                self.source.words[table.sources[place]],
                self.target.words[table.targets[place]],
                float(pairs[place, 0]),
                float(pairs[place, 1]),
            )

    def tensors(self) -> dict[str, Tensor]:
        """All that is learned, by name; words and settings are not among it."""
        lexicon = self.model.lexicon
        arrays = {
            "pairs.source": lexicon.table.sources,
            "pairs.target": lexicon.table.targets,
            "pairs.probability": lexicon.pairs[: len(lexicon.table)],
            "null.source": lexicon.source_null,
            "null.target": lexicon.target_null,
            "jumps.forward": self.model.forward.weights,
            "jumps.reverse": self.model.reverse.weights,
        }
        return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}

    @classmethod
    def from_tensors(
        cls,
        tensors: Mapping[str, Tensor],
        *,
        source_words: Sequence[str],
        target_words: Sequence[str],
        settings: StatisticalSettings,
    ) -> StatisticalAligner:
        """The aligner that `tensors` came from. Raises DataError if they are damaged or of other words."""
        check_tensors(tensors, num_source=len(source_words), num_target=len(target_words), settings=settings)
        arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
        table = Cooccurrence(arrays["pairs.source"], arrays["pairs.target"], len(target_words))
        pairs = with_extra(arrays["pairs.probability"])
        lexicon = Lexicon(table, pairs, arrays["null.target"], arrays["null.source"])
        model = Model(lexicon, Jumps(arrays["jumps.forward"]), Jumps(arrays["jumps.reverse"]))
        return cls(settings, Vocabulary(source_words), Vocabulary(target_words), model)

    def _aligned(self, sources: Sequence[Sentence], targets: Sequence[Sentence], keys: Keys) -> list[Posteriors]:
        """The posteriors of pairs that are held in memory."""
        found = [_nothing(len(source), len(target)) for source, target in zip(sources, targets, strict=True)]
        belief = by_places if self.settings.jump_iterations else by_words
        source_ids, target_ids = map(self.source.ids, sources), map(self.target.ids, targets)
        new_source, new_target = self._new_words(sources, targets)
        for block in blocks(list(source_ids), list(target_ids)):
            at = places(block, keys, num_target=len(self.target))
            same = _stacked(new_source, block)[:, None, :] == _stacked(new_target, block)[:, :, None]
            at[same] = len(keys) + 1
            both = belief(self.model, Placed(block, at), self.settings)
            for number, row in enumerate(block.rows.tolist()):
                found[row] = _of_pair(both, number)
        return found

    def _new_words(self, sources: Sequence[Sentence], targets: Sequence[Sentence]) -> tuple[list[Ids], list[Ids]]:
        """A number for each spelling that one of the vocabularies lacks; else -1 in sources and -2 in targets."""
        numbers: dict[str, int] = {}

        def number(word: str, known: int) -> int:
            word = folded(word)
            both = word in self.source and word in self.target
            return known if both else numbers.setdefault(word, len(numbers))

        return (
            [np.array([number(word, -1) for word in sentence], np.int32) for sentence in sources],
            [np.array([number(word, -2) for word in sentence], np.int32) for sentence in targets],
        )


def _stacked(rows: Sequence[Ids], block: Block) -> Ids:
    return np.stack([rows[row] for row in block.rows.tolist()])


def _of_pair(both: Both, number: int) -> Posteriors:
    """Copies, so that one pair that is kept does not keep its block."""
    return Posteriors(
        both.forward.words[number].copy(),
        both.reverse.words[number].T.copy(),
        both.forward.null[number].copy(),
        both.reverse.null[number].copy(),
    )


def _nothing(num_source: int, num_target: int) -> Posteriors:
    """What is known where a side is empty: words of the other came from none."""
    empty = np.zeros((num_target, num_source), np.float32)
    return Posteriors(empty, empty, np.ones(num_target, np.float32), np.ones(num_source, np.float32))


def _pairs(sources: Iterable[Sentence], targets: Iterable[Sentence]) -> Iterator[tuple[Sentence, Sentence]]:
    for number, (source, target) in enumerate(zip_longest(sources, targets), start=1):
        if source is None or target is None:
            raise DataError(
                f"wanted as many targets as sources, got no {'source' if source is None else 'target'} {number}; "
                "give pairs"
            )
        yield source, target


def _check(sources: Sequence[Sentence], targets: Sequence[Sentence]) -> None:
    if len(sources) != len(targets):
        raise DataError(
            f"wanted as many targets as sources, got {len(sources)} sources and {len(targets)} targets; give pairs"
        )
    if not any(len(source) and len(target) for source, target in zip(sources, targets, strict=True)):
        raise DataError(
            f"wanted sentence pairs to learn from, got {len(sources)}, none with words on both sides; give text"
        )
