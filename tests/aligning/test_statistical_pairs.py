"""The statistical aligner over sentence pairs: it learns from what is there, and empty sides are no obstacle."""

from __future__ import annotations

import random

import numpy as np
import pytest
from tests.tiny import toy

from weft.aligning.sentence_pairs import TextPair, WordPair, cut
from weft.aligning.statistical_pairs import PairStatistics, learn
from weft.aligning.two_ways import BOTH
from weft.base.errors import DataError
from weft.statistical.learning import Progress


def toys(number: int, seed: int = 3) -> list[WordPair]:
    rng = random.Random(seed)
    found = [toy(rng) for _ in range(number)]
    return list(cut([TextPair(one.source, one.fr, "toy") for one in found], "weft"))


def test_it_learns_which_words_belong_together() -> None:
    aligner = PairStatistics(learn(toys(97)))
    (pair,) = cut([TextPair("the red dog sleeps.", "le chien rouge dort.", "x")], "weft")
    (ways,) = aligner.two_ways([pair], BOTH)
    assert aligner.directions == BOTH
    assert ways.links("grow-diag") >= {(0, 0), (2, 1), (3, 3), (4, 4)}


def test_shares_of_a_word_sum_to_1_and_directions_are_those_asked_for() -> None:
    pairs = toys(31)
    aligner = PairStatistics(learn(pairs))
    for ways in aligner.two_ways(pairs, BOTH):
        assert ways.forward
        assert ways.reverse
        np.testing.assert_allclose(ways.forward.mass.sum(1) + ways.forward.null, 1, atol=1e-12)
        np.testing.assert_allclose(ways.reverse.mass.sum(0) + ways.reverse.null, 1, atol=1e-12)
    (ways,) = aligner.two_ways(pairs[:1], frozenset({"forward"}))
    assert ways.forward
    assert ways.reverse is None


def test_empty_sides_teach_nothing_and_have_no_links() -> None:
    empty = list(cut([TextPair("", "le", "x"), TextPair("the", " ", "y"), TextPair("", "", "z")], "given"))
    aligner = PairStatistics(learn([*empty, *toys(13)]))
    for pair, ways in zip(empty, aligner.two_ways(empty, BOTH), strict=True):
        aligner.check(pair)
        shares = ways.shares()
        assert shares.mass.shape == (len(pair.target_words), len(pair.source_words))
        assert (shares.unaligned == 1).all()
        assert not ways.links("union")
    with pytest.raises(DataError, match="wanted sentence pairs to learn from, got 3, none with words on both sides"):
        learn(empty)


def test_words_that_were_never_seen_are_aligned_all_the_same() -> None:
    aligner = PairStatistics(learn(toys(97)))
    pairs = list(cut([TextPair("the мышь sleeps.", "le 鼠 dort.", "x"), TextPair("قط", "猫", "y")], "weft"))
    first, second = aligner.two_ways(pairs, BOTH)
    assert first.links("grow-diag") >= {(0, 0), (2, 2), (3, 3)}
    assert second.shares().mass.shape == (1, 1)


def test_progress_is_told() -> None:
    heard: list[Progress] = []
    learn(toys(5), report=heard.append)
    assert heard[-1].done == 1
    assert heard[-1].iteration == heard[-1].iterations
