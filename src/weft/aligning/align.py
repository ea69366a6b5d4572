"""The life of a sentence pair that is aligned: texts -> words -> shares in each direction -> links -> an alignment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import tee
from pathlib import Path

import numpy as np

from weft.aligning.aligned import Alignment
from weft.aligning.model_aligner import model_aligner
from weft.aligning.sentence_pairs import WordPair, cut, given_pairs
from weft.aligning.statistical_pairs import PairStatistics, learn
from weft.aligning.two_ways import BOTH, Aligner, TwoWays, directions_of
from weft.alignment.extract import WordWeights
from weft.alignment.symmetrise import DEFAULT, check_symmetrisation
from weft.base.errors import ConfigError, DataError
from weft.statistical.aligner import StatisticalAligner
from weft.store.aligner import load_aligner
from weft.store.folder import StoredModel
from weft.translating.opening import open_model
from weft.translating.translator import Translator

Model = str | Path | Translator
Statistical = bool | str | Path | StatisticalAligner


def align(
    pairs: Iterable[tuple[str, str]],
    model: Model | None = None,
    reverse_model: Model | None = None,
    *,
    statistical: Statistical = False,
    symmetrise: str | None = None,
    words: str = "given",
    to: str | None = None,
    from_: str | None = None,
) -> list[Alignment]:
    """An alignment of each pair (source, target), in order; a pair with an empty side has no links.

    Links are read from a `model` that writes the language of the targets: alone, with a `reverse_model` that writes
    that of the sources, or both ways if it can. `from_` and `to` say which languages these are where models leave a
    choice. Or they are `statistical`: True learns from these very pairs; an aligner that has learnt before is applied
    to them, and so is one that was saved in a folder.

    `symmetrise` (a key of `SYMMETRISATIONS`) makes one set of links of two directions. If left out it is grow-diag, and
    `forward` for a model that aligns in that direction alone. `words` are `given`, between white space, or `weft`'s.

    Raises ConfigError for unknown names, models that do not fit together and a direction that is missing, DataError for
    a pair that is no pair or too long, UnsupportedError for a model without cross-attention.
    """
    texts = list(given_pairs(pairs))
    if (model is None) == (statistical is False):
        came = "neither" if model is None else "both"
        raise ConfigError(f"align wants either a model or statistical=True, got {came}; choose how to align")
    if model is not None:
        reverse = None if reverse_model is None else _stored(reverse_model)
        aligner: Aligner = model_aligner(_stored(model), reverse, to=to, from_=from_)
    elif reverse_model is not None:
        raise ConfigError("a reverse model goes with a model, got one with statistical; leave one of them out")
    else:
        aligner = PairStatistics(_statistical(statistical, cut(texts, words)))
    return list(aligned(cut(texts, words), aligner, symmetrise=symmetrise))


def aligned(pairs: Iterable[WordPair], aligner: Aligner, *, symmetrise: str | None = None) -> Iterator[Alignment]:
    """An alignment of each pair, in order, as they come: an aligner reads some ahead.

    Raises ConfigError at once for an unknown symmetrisation, and one for which the aligner lacks a direction; DataError
    for a pair that cannot be read or aligned, when all pairs before it have been.
    """
    return _aligned(pairs, aligner, symmetrisation_for(aligner, symmetrise))


def symmetrisation_for(aligner: Aligner, name: str | None) -> str:
    """The name, or without one grow-diag for an aligner of both directions and for others the direction they have.

    Raises ConfigError for a name that is unknown or wants a direction that the aligner lacks.
    """
    there = aligner.directions
    name = name or (DEFAULT if there == BOTH else min(there))
    check_symmetrisation(name)
    wanted = directions_of(name)
    if missing := wanted - there:
        raise ConfigError(
            f"symmetrisation {name} wants the links of {' and '.join(sorted(wanted))}, got a model that aligns "
            f"{' and '.join(sorted(there))} alone: {' and '.join(sorted(missing))} is missing; give a reverse model, "
            f"one that writes the language of the sources, or take {' or '.join(sorted(there))}"
        )
    return name


def _aligned(pairs: Iterable[WordPair], aligner: Aligner, symmetrisation: str) -> Iterator[Alignment]:
    good = _Good(pairs, aligner)
    mine, other = tee(good)
    ways = aligner.two_ways(other, directions_of(symmetrisation))
    for pair, both in zip(mine, ways, strict=True):
        yield _alignment(pair, both, symmetrisation)
    if good.error is not None:
        raise good.error


class _Good:
    """The pairs before the first that is wrong, and what is wrong with it: reading ahead must lose none of them."""

    def __init__(self, pairs: Iterable[WordPair], aligner: Aligner) -> None:
        self._pairs, self._aligner = pairs, aligner
        self.error: DataError | None = None

    def __iter__(self) -> Iterator[WordPair]:
        try:
            for pair in self._pairs:
                self._aligner.check(pair)
                yield pair
        except DataError as error:
            self.error = error


def _alignment(pair: WordPair, ways: TwoWays, symmetrisation: str) -> Alignment:
    shares = ways.shares()
    linked = np.zeros(shares.mass.shape, np.bool_)
    if links := ways.links(symmetrisation):
        source, target = zip(*links, strict=True)
        linked[target, source] = True
    weights = WordWeights(shares.mass, shares.unaligned, pair.source_words, pair.target_words, linked)
    return Alignment(pair.source, pair.target, weights, symmetrisation)


def _stored(model: Model) -> StoredModel:
    return model.stored if isinstance(model, Translator) else open_model(model)


def _statistical(wanted: Statistical, pairs: Iterable[WordPair]) -> StatisticalAligner:
    if isinstance(wanted, StatisticalAligner):
        return wanted
    return learn(pairs) if isinstance(wanted, bool) else load_aligner(Path(wanted))
