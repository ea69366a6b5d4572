"""Error rate, precision, recall and F1."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.alignment.links import links_within

from weft.alignment.measure import Counts, count, total
from weft.alignment.pairs import Gold, Pairs

PAIRS = links_within(5, 3)
GOLDS = st.builds(lambda sure, more: Gold(sure, sure | more), PAIRS, PAIRS)
SCORED = st.lists(st.tuples(PAIRS, GOLDS), min_size=1, max_size=5)


@given(SCORED)
def test_measures_are_those_of_the_definitions_over_one_long_corpus(scored: list[tuple[Pairs, Gold]]) -> None:
    counts = total(count(links, gold) for links, gold in scored)
    a = {(n, *link) for n, (links, _) in enumerate(scored) for link in links}
    s = {(n, *link) for n, (_, gold) in enumerate(scored) for link in gold.sure}
    p = {(n, *link) for n, (_, gold) in enumerate(scored) for link in gold.possible}
    if a and s:
        precision, recall = len(a & p) / len(a), len(a & s) / len(s)
        assert counts.aer == pytest.approx(1 - (len(a & s) + len(a & p)) / (len(a) + len(s)), abs=1e-12)
        assert (counts.precision, counts.recall) == (precision, recall)
        assert counts.f1 == pytest.approx(2 * precision * recall / (precision + recall) if precision + recall else 0.0)


@given(SCORED)
def test_measures_are_fractions_whatever_is_scored(scored: list[tuple[Pairs, Gold]]) -> None:
    counts = total(count(links, gold) for links, gold in scored)
    for value in (counts.aer, counts.precision, counts.recall, counts.f1):
        assert 0.0 <= value <= 1.0


@given(PAIRS)
def test_without_links_that_are_only_possible_the_error_rate_is_what_f1_lacks(links: Pairs) -> None:
    sure = frozenset({(0, 0), (1, 1), (2, 2)})
    counts = count(links, Gold(sure, sure))
    if links:  # of no links precision is 1 by convention
        assert counts.aer == pytest.approx(1 - counts.f1)


@given(GOLDS)
def test_gold_links_have_no_error_with_any_of_the_possible_ones(gold: Gold) -> None:
    assert count(gold.sure, gold).aer == count(gold.possible, gold).aer == 0.0
    assert count(gold.possible, gold).f1 == 1.0


def test_nothing_is_wrong_with_no_links_and_nothing_is_missed_of_no_gold() -> None:
    none, one = frozenset[tuple[int, int]](), frozenset({(0, 0)})
    nothing, missed, wrong = count(none, Gold(none, none)), count(none, Gold(one, one)), count(one, Gold(none, none))
    assert nothing == total([]) == Counts()
    assert (nothing.aer, nothing.precision, nothing.recall, nothing.f1) == (0, 1, 1, 1)
    assert (missed.aer, missed.precision, missed.recall, missed.f1) == (1, 1, 0, 0)
    assert (wrong.aer, wrong.precision, wrong.recall, wrong.f1) == (1, 0, 1, 0)


def test_sums_are_of_the_corpus_not_of_the_sentences() -> None:
    """A long sentence with half of its links right and a short one that is right: 5 of 8, not the mean of 1/2 and 1."""
    long = Gold(*[frozenset((i, i) for i in range(3))] * 2)
    short = Gold(*[frozenset({(0, 0), (1, 1)})] * 2)
    links = frozenset({(0, 0), (1, 1), (2, 1), (2, 0), (1, 0)})
    counts = count(links, long) + count(short.sure, short)
    assert counts == Counts(links=7, sure=5, found=4, allowed=4)
    assert counts.aer == pytest.approx(1 - 8 / 12)
