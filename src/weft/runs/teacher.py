"""Who links the words of the training pairs, for an alignment head to learn from: a table of teachers by name."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from weft.aligning.align import symmetrisation_for
from weft.aligning.model_aligner import model_aligner
from weft.aligning.sentence_pairs import WORDS, TextPair, WordPair, cut
from weft.aligning.statistical_pairs import PairStatistics, learn
from weft.aligning.two_ways import Aligner, directions_of
from weft.alignment.pairs import Pairs
from weft.base.errors import ConfigError
from weft.data.guidance import WordLinks, bounds_in_bytes
from weft.data.ragged import Ragged
from weft.runs.pairs import Texts, given_links
from weft.runs.recipe import AlignmentConfig, PairSource
from weft.statistical.learning import Progress
from weft.store.folder import load

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Lesson:
    """One training set as it will be trained on: its pairs, and where it is said to come from."""

    source: PairSource
    pairs: Sequence[Texts]

    def turned(self, language: str) -> list[Texts]:
        """The pairs with their texts in this language first."""
        turn = self.source.from_ != language
        return [(target, source) for source, target in self.pairs] if turn else list(self.pairs)


def word_links(config: AlignmentConfig, lessons: Sequence[Lesson], data: Path) -> WordLinks:
    """The words of all pairs of all lessons, in order, and how the teacher that `config` names links them.

    Raises ConfigError if it gives the teacher nothing to go by, DataError for links that do not fit their pair.
    """
    taught = (_given if config.teacher == GIVEN else _aligned)(config, lessons, data)
    find = WORDS[config.words]
    pairs = [pair for lesson in lessons for pair in lesson.pairs]
    return WordLinks(
        Ragged.of(bounds_in_bytes(source, find(source)) for source, _ in pairs),
        Ragged.of(bounds_in_bytes(target, find(target)) for _, target in pairs),
        Ragged.of(np.array(sorted(links), np.int32).ravel() for of_lesson in taught for links in of_lesson),
    )


GIVEN = "given"
"""The teacher that is no aligner: files of links beside the training sets."""


def _given(config: AlignmentConfig, lessons: Sequence[Lesson], data: Path) -> list[list[Pairs]]:
    """The links that stand in files beside the training sets, found again for the pairs that cleaning kept."""
    if config.words != "given":
        raise ConfigError(
            f'alignment.teacher = "given" links tokens between white space, got alignment.words = {config.words!r}; '
            'set words = "given"'
        )
    tables = [given_links(lesson.source, data) for lesson in lessons]
    return [[links[pair] for pair in lesson.pairs] for lesson, links in zip(lessons, tables, strict=True)]


def _aligned(config: AlignmentConfig, lessons: Sequence[Lesson], data: Path) -> list[list[Pairs]]:
    """The links of an aligner, which sees each pair once though sets be read in both directions."""
    taught: dict[int, list[Pairs]] = {}
    for places in _by_languages(lessons):
        first = lessons[places[0]].source
        oriented = {place: lessons[place].turned(first.from_) for place in places}
        distinct = dict.fromkeys(pair for pairs in oriented.values() for pair in pairs)
        links = dict(zip(distinct, _links(config, list(distinct), first), strict=True))
        for place, pairs in oriented.items():
            turn = lessons[place].source.from_ != first.from_
            taught[place] = [_flipped(links[pair]) if turn else links[pair] for pair in pairs]
    return [taught[place] for place in range(len(lessons))]


def _links(config: AlignmentConfig, pairs: Sequence[Texts], languages: PairSource) -> list[Pairs]:
    """The symmetrised links of each pair by the aligner that the recipe names; both sides of a pair have words."""
    texts = (TextPair(*pair, f"training pair {number}") for number, pair in enumerate(pairs, start=1))
    cut_pairs = list(cut(texts, config.words))
    aligner = TEACHERS.get(config.teacher or "", _models)(config, cut_pairs, languages)
    name = symmetrisation_for(aligner, config.symmetrise)
    return [both.links(name) for both in aligner.two_ways(cut_pairs, directions_of(name))]


def _statistical(config: AlignmentConfig, pairs: Sequence[WordPair], languages: PairSource) -> Aligner:
    return PairStatistics(learn(pairs, report=_passes))


def _passes(progress: Progress) -> None:
    """Logs every pass over the text when it is through."""
    if progress.done == 1.0:
        _log.info("the teacher's %s: pass %d of %d", progress.stage, progress.iteration, progress.iterations)


def _models(config: AlignmentConfig, pairs: Sequence[WordPair], languages: PairSource) -> Aligner:
    reverse = None if config.reverse_teacher is None else load(config.reverse_teacher)
    return model_aligner(load(config.teacher or ""), reverse, from_=languages.from_, to=languages.to)


TEACHERS: dict[str, Callable[[AlignmentConfig, Sequence[WordPair], PairSource], Aligner]] = {
    "statistical": _statistical,
}
"""Aligners by the name that a recipe calls them; any other name is that of a model."""


def _by_languages(lessons: Sequence[Lesson]) -> list[list[int]]:
    """The places of the lessons, those of the same two languages together."""
    groups: dict[frozenset[str], list[int]] = {}
    for place, lesson in enumerate(lessons):
        groups.setdefault(frozenset((lesson.source.from_, lesson.source.to)), []).append(place)
    return list(groups.values())


def _flipped(links: Pairs) -> Pairs:
    return frozenset((j, i) for i, j in links)
