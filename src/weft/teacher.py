"""Who links the words of the training pairs, for an alignment head to learn from: a table of teachers by name."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from weft.alignment.link import Span
from weft.alignment.pairs import Pairs
from weft.alignment.symmetrise import symmetrise
from weft.alignment.words import given_words, words
from weft.base.errors import ConfigError
from weft.data.guidance import WordLinks, bounds_in_bytes
from weft.data.ragged import Ragged
from weft.recipe import AlignmentConfig, PairSource
from weft.statistical.aligner import StatisticalAligner
from weft.training_pairs import Texts, given_links

_log = logging.getLogger(__name__)

Taught = list[list[Pairs]]
"""For each training set the links of each of its pairs."""
CUTS: dict[str, Callable[[str], list[Span]]] = {"weft": words, "given": given_words}


@dataclass(frozen=True)
class Lesson:
    """One training set as it will be trained on: its pairs, and where it is said to come from."""

    source: PairSource
    pairs: Sequence[Texts]


def word_links(config: AlignmentConfig, lessons: Sequence[Lesson], data: Path) -> WordLinks:
    """The words of all pairs of all lessons, in order, and how the teacher that `config` names links them.

    Raises ConfigError if it gives the teacher nothing to go by, DataError for links that do not fit their pair.
    """
    taught = TEACHERS.get(config.teacher or "", _model)(config, lessons, data)
    cut = CUTS[config.words]
    pairs = [pair for lesson in lessons for pair in lesson.pairs]
    return WordLinks(
        Ragged.of(bounds_in_bytes(source, cut(source)) for source, _ in pairs),
        Ragged.of(bounds_in_bytes(target, cut(target)) for _, target in pairs),
        Ragged.of(np.array(sorted(links), np.int32).ravel() for of_lesson in taught for links in of_lesson),
    )


def _statistical(config: AlignmentConfig, lessons: Sequence[Lesson], data: Path) -> Taught:
    """The links of weft's own aligner, trained on these pairs; on each once, though a set is read in both directions."""
    taught: Taught = [[] for _ in lessons]
    for places in _by_languages(lessons):
        first = lessons[places[0]].source.from_
        oriented = [_turned(lesson.pairs, lesson.source.from_ != first) for lesson in map(lessons.__getitem__, places)]
        distinct = dict.fromkeys(pair for pairs in oriented for pair in pairs)
        links = dict(zip(distinct, _learnt(config, list(distinct)), strict=True))
        for place, pairs in zip(places, oriented, strict=True):
            turn = lessons[place].source.from_ != first
            taught[place] = [_flipped(links[pair], turn) for pair in pairs]
    return taught


def _learnt(config: AlignmentConfig, pairs: Sequence[Texts]) -> Iterator[Pairs]:
    """Links of each pair by an aligner that was trained on all of them."""
    cut = CUTS[config.words]
    sources, targets = ([_cut_up(text, cut(text)) for text in side] for side in zip(*pairs, strict=True))
    aligner = StatisticalAligner.train(
        sources, targets, report=lambda progress: _log.info("statistical teacher: %s", progress)
    )
    for one in aligner.posteriors(sources, targets):
        yield symmetrise(one.forward_links(), one.reverse_links(), config.symmetrise)


def _given(config: AlignmentConfig, lessons: Sequence[Lesson], data: Path) -> Taught:
    """The links that stand in files beside the training sets, found again for the pairs that cleaning kept."""
    if config.words != "given":
        raise ConfigError(
            f'alignment.teacher = "given" links tokens between white space, got alignment.words = {config.words!r}; '
            'set words = "given"'
        )
    tables = [given_links(lesson.source, data) for lesson in lessons]
    return [[links[pair] for pair in lesson.pairs] for lesson, links in zip(lessons, tables, strict=True)]


def _model(config: AlignmentConfig, lessons: Sequence[Lesson], data: Path) -> Taught:
    raise NotImplementedError


TEACHERS: dict[str, Callable[[AlignmentConfig, Sequence[Lesson], Path], Taught]] = {
    "statistical": _statistical,
    "given": _given,
}
"""By the name that a recipe calls them; any other name is that of a model."""


def _by_languages(lessons: Sequence[Lesson]) -> list[list[int]]:
    """The places of the lessons, those of the same two languages together."""
    groups: dict[frozenset[str], list[int]] = {}
    for place, lesson in enumerate(lessons):
        groups.setdefault(frozenset((lesson.source.from_, lesson.source.to)), []).append(place)
    return list(groups.values())


def _turned(pairs: Sequence[Texts], turn: bool) -> list[Texts]:
    return [(target, source) for source, target in pairs] if turn else list(pairs)


def _cut_up(text: str, spans: Sequence[Span]) -> list[str]:
    return [text[slice(*span)] for span in spans]


def _flipped(links: Pairs, turn: bool) -> Pairs:
    return frozenset((j, i) for i, j in links) if turn else links
