"""Intervals of error rates, and of what one has over another."""

from __future__ import annotations

import numpy as np
import pytest

from weft.alignment.bootstrap import Interval, difference, interval
from weft.alignment.measure import Counts, total
from weft.base.errors import DataError


def sentences(error: float, *, num: int = 101, seed: int = 3) -> list[Counts]:
    """Sentences of 11 sure links and as many links, each wrong with a probability."""
    wrong = np.random.default_rng(seed).binomial(11, error, num).tolist()
    return [Counts(links=11, sure=11, found=11 - one, allowed=11 - one) for one in wrong]


def test_the_value_is_that_of_all_sentences_and_lies_within() -> None:
    found = interval(sentences(0.2), seed=5)
    assert found.value == total(sentences(0.2)).aer
    assert found.low < found.value < found.high
    assert found.level == 0.95


def test_the_width_is_that_of_the_normal_law() -> None:
    counts = sentences(0.2)
    rates = np.array([one.aer for one in counts])
    expected = 2 * 1.96 * rates.std() / len(rates) ** 0.5
    found = interval(counts, seed=5, resamples=2003)
    assert found.high - found.low == pytest.approx(expected, rel=0.1)


def test_more_sentences_and_lower_levels_are_narrower() -> None:
    few, many = interval(sentences(0.2), seed=5), interval(sentences(0.2, num=1009), seed=5)
    assert many.high - many.low < few.high - few.low
    half = interval(sentences(0.2), seed=5, level=0.5)
    assert few.low < half.low < half.high < few.high


def test_the_seed_decides() -> None:
    assert interval(sentences(0.2), seed=5) == interval(sentences(0.2), seed=5) != interval(sentences(0.2), seed=7)


def test_differences_are_drawn_on_the_same_sentences() -> None:
    """An aligner that is wrong once more in every sentence: the difference is certain, though the rates are not."""
    first = sentences(0.2)
    second = [Counts(one.links + 1, one.sure, one.found, one.allowed) for one in first]
    found = difference(second, first, seed=5)
    assert found.high - found.low < 0.1 * (interval(first, seed=5).high - interval(first, seed=5).low)
    assert 0 < found.low < found.value < found.high
    turned = difference(first, second, seed=5)
    assert (turned.low, turned.value, turned.high) == pytest.approx((-found.high, -found.value, -found.low))
    assert difference(first, first, seed=5) == Interval(0.0, 0.0, 0.0, 0.95)


def test_equal_aligners_cannot_be_told_apart_and_unequal_ones_can() -> None:
    level = difference(sentences(0.2, seed=3), sentences(0.2, seed=5), seed=7)
    assert level.low < 0 < level.high
    assert difference(sentences(0.2), sentences(0.3, seed=5), seed=7).high < 0


def test_one_sentence_is_drawn_again_and_again() -> None:
    found = interval([Counts(7, 7, 5, 5)], seed=3, resamples=11)
    assert found.low == found.value == found.high == pytest.approx(2 / 7)


@pytest.mark.parametrize(("first", "second"), [(0, 0), (3, 2)])
def test_counts_of_other_sentences_are_refused(first: int, second: int) -> None:
    message = f"wanted counts of the same sentences, at least one, got {first} and {second}; score both aligners"
    with pytest.raises(DataError, match=message):
        difference([Counts()] * first, [Counts()] * second, seed=3)
