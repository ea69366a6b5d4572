from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from weft.statistical import hmm
from weft.statistical.jumps import Jumps
from weft.statistical.posterior import Array, Posterior

B, T, S = 2, 3, 5
UNALIGNED = 0.3


def lexicon(seed: int, *shape: int) -> Array:
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def by_enumeration(words: Array, null: Array, jumps: Jumps) -> Posterior:
    """The posterior of one sentence pair as the sum over every alignment: -1 is NULL, which keeps the place."""
    num_t, num_s = words.shape
    steps = jumps.transitions(num_s)
    mass, none, total = np.zeros((num_t, num_s)), np.zeros(num_t), 0.0
    moved, ended = np.zeros((num_s + 1, num_s)), np.zeros(num_s + 1)
    for alignment in product(range(-1, num_s), repeat=num_t):
        place, chance, taken = 0, 1.0, []
        for t, s in enumerate(alignment):
            if s < 0:
                chance *= UNALIGNED * null[t]
            else:
                chance *= (1 - UNALIGNED) * steps.jumps[place, s] * words[t, s]
                taken.append((place, s))
                place = s + 1
        chance *= steps.end[place]
        total += chance
        ended[place] += chance
        for t, s in enumerate(alignment):
            if s < 0:
                none[t] += chance
            else:
                mass[t, s] += chance
        for jump in taken:
            moved[jump] += chance
    return Posterior(mass / total, none / total, jumps.counts(moved / total, ended / total), float(np.log(total)))


@pytest.mark.parametrize("longest", [1, 2, 11])
def test_the_posterior_is_that_of_all_alignments_enumerated(longest: int) -> None:
    words, null = lexicon(1, B, T, S), lexicon(2, B, T)
    jumps = Jumps(np.random.default_rng(3).random(2 * longest + 1) + 0.1)
    found = hmm.posterior(words, null, jumps, unaligned=UNALIGNED)
    wanted = [by_enumeration(words[row], null[row], jumps) for row in range(B)]
    for row in range(B):
        np.testing.assert_allclose(found.words[row], wanted[row].words, atol=1e-5)
        np.testing.assert_allclose(found.null[row], wanted[row].null, atol=1e-5)
    np.testing.assert_allclose(found.jumps, wanted[0].jumps + wanted[1].jumps, atol=1e-4)
    assert found.log_likelihood == pytest.approx(wanted[0].log_likelihood + wanted[1].log_likelihood, rel=1e-5)


def test_words_and_null_sum_to_one_over_many_unlikely_words() -> None:
    words, null = lexicon(1, B, 211, 101) * np.float32(1e-7), lexicon(2, B, 211) * np.float32(1e-7)
    found = hmm.posterior(words, null, Jumps.at_first(100), unaligned=0.1)
    np.testing.assert_allclose(found.words.sum(2) + found.null, 1, atol=1e-4)
    assert np.isfinite(found.log_likelihood)


def test_a_word_that_nothing_gives_rise_to_but_null_comes_from_null() -> None:
    words, null = lexicon(1, 1, T, S), lexicon(2, 1, T)
    words[0, 1] = 0
    found = hmm.posterior(words, null, Jumps.at_first(3), unaligned=0.1)
    assert found.null[0, 1] == pytest.approx(1)


def test_the_arrays_that_came_are_left_alone() -> None:
    words, null = lexicon(1, B, T, S), lexicon(2, B, T)
    before = words.copy(), null.copy()
    hmm.posterior(words, null, Jumps.at_first(3), unaligned=0.1)
    np.testing.assert_array_equal(words, before[0])
    np.testing.assert_array_equal(null, before[1])
