"""The confidence of a word is the probability of its tokens."""

from __future__ import annotations

import math

import pytest

from weft.alignment.confidence import Word, confidences
from weft.alignment.side import Side


def test_a_word_is_as_probable_as_its_tokens_together() -> None:
    target = Side("un chien.", [(0, 2), (3, 6), (6, 8), (8, 9), (9, 9)], [(0, 2), (3, 8), (8, 9)])
    found = confidences(target, [math.log(p) for p in (0.5, 0.8, 0.5, 0.9, 0.7)])
    assert [word.target for word in found] == list(target.words)
    assert [word.confidence for word in found] == pytest.approx([0.5, 0.4, 0.9])


def test_a_token_of_two_words_counts_for_both_and_one_of_none_for_none() -> None:
    target = Side('a."', [(0, 1), (1, 3), (3, 3)], [(0, 1), (1, 2), (2, 3)])
    found = confidences(target, [math.log(p) for p in (0.5, 0.25, 0.125)])
    assert [word.confidence for word in found] == pytest.approx([0.5, 0.25, 0.25])


def test_nothing_is_never_surer_than_sure() -> None:
    assert confidences(Side("", [], []), []) == ()
    assert confidences(Side("", [], []), [-1.0]) == ()
    assert confidences(Side("a", [(0, 1)], [(0, 1)]), [1e-9]) == (Word((0, 1), 1.0),)
    assert confidences(Side("a", [(0, 1)], [(0, 1)]), [-math.inf]) == (Word((0, 1), 0.0),)


def test_a_word_is_json_and_moves() -> None:
    word = Word((2, 5), 0.123456789)
    assert word.to_json() == {"target": [2, 5], "confidence": 0.1234568}
    assert word.moved(7) == Word((9, 12), 0.123456789)
