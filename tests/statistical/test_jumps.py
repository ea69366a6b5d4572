from __future__ import annotations

import numpy as np
import pytest

from weft.statistical.jumps import Jumps


@pytest.mark.parametrize("num_words", [1, 2, 7, 211])
def test_from_every_place_one_jumps_somewhere(num_words: int) -> None:
    steps = Jumps.at_first(5).transitions(num_words)
    assert steps.jumps.shape == (num_words + 1, num_words)
    np.testing.assert_allclose(steps.jumps.sum(1) + steps.end, 1, rtol=1e-5)


def test_the_next_word_is_likeliest_before_anything_is_learned() -> None:
    steps = Jumps.at_first(5).transitions(7)
    assert steps.jumps.argmax(1)[:-1].tolist() == list(range(7))
    assert steps.end[-1] > steps.jumps[-1].max()


def test_weights_follow_the_counts() -> None:
    jumps, steps = Jumps.at_first(2), np.zeros((4, 3))
    steps[0, 2] = 97.0  # from before the text to its third word: 3, which counts as 2
    end = np.array([0.0, 0.0, 0.0, 31.0])  # from the last word past the end: 1
    counts = jumps.counts(steps, end)
    assert counts.tolist() == [0, 0, 0, 31, 97]
    assert jumps.learned(counts).weights.argsort()[-2:].tolist() == [3, 4]


def test_without_counts_nothing_is_learned() -> None:
    jumps = Jumps.at_first(3)
    assert jumps.learned(np.zeros(1)) is jumps
