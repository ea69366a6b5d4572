"""Words in the order of their places: the hidden Markov model of alignment, by the forward-backward algorithm.

Vogel, Ney and Tillmann 1996; with a NULL that remembers the place it was reached from, Och and Ney 2003 (section 2.1).
"""

from __future__ import annotations

import numpy as np

from weft.statistical.jumps import Jumps
from weft.statistical.posterior import Array, Posterior

TINY = np.float32(1e-37)


@np.errstate(
    invalid="ignore"
)  # BLAS raises the flag by whim, on equal numbers once in many runs; see the assertion below
def posterior(words: Array, null: Array, jumps: Jumps, *, unaligned: float) -> Posterior:
    """The posterior, exact; `words` `[b t s]` and `null` `[b t]` are lexicon probabilities.

    A generated word comes from no word with probability `unaligned`; else one jumps from the last place to another.
    What is still to come depends on the place alone, not on whether a word or NULL was last: so one backward variable
    serves both.
    Numbers are scaled to sum to 1 at every word. Time and memory grow with t * s (and a product of s x s matrices).
    """
    num_pairs, num_t, num_s = words.shape
    steps = jumps.transitions(num_s)
    move = steps.jumps * np.float32(1 - unaligned)
    emit_tbs = np.ascontiguousarray(words.transpose(1, 0, 2))
    stay_tb = null.T * np.float32(unaligned)

    place_tbs = np.zeros((num_t + 1, num_pairs, num_s + 1), np.float32)  # after t words; place 0 is before the text
    place_tbs[0, :, 0] = 1
    word_tbs = np.empty((num_t, num_pairs, num_s), np.float32)
    scale_tb = np.empty((num_t, num_pairs), np.float32)
    for t in range(num_t):
        np.matmul(place_tbs[t], move, out=word_tbs[t])
        word_tbs[t] *= emit_tbs[t]
        np.multiply(place_tbs[t], stay_tb[t][:, None], out=place_tbs[t + 1])
        place_tbs[t + 1, :, 1:] += word_tbs[t]
        scale_tb[t] = place_tbs[t + 1].sum(1) + TINY
        place_tbs[t + 1] /= scale_tb[t][:, None]
    stay_tb /= scale_tb
    emit_tbs /= scale_tb[:, :, None]

    end_b = place_tbs[num_t] @ steps.end
    ahead_bs = steps.end / end_b[:, None]
    ended_s = (place_tbs[num_t] * ahead_bs).sum(0)
    null_tb = np.empty((num_t, num_pairs), np.float32)
    for t in reversed(range(num_t)):
        word_tbs[t] *= ahead_bs[:, 1:]
        null_tb[t] = stay_tb[t] * (place_tbs[t] * ahead_bs).sum(1)
        emit_tbs[t] *= ahead_bs[:, 1:]  # from here on: the chance of all that follows an arrival at s
        ahead_bs = ahead_bs * stay_tb[t][:, None] + emit_tbs[t] @ move.T
    moved_ss = place_tbs[:-1].reshape(-1, num_s + 1).T @ emit_tbs.reshape(-1, num_s)
    word_tbs /= scale_tb[:, :, None]
    counts = jumps.counts((moved_ss * move).astype(np.float64), ended_s.astype(np.float64))
    assert np.isfinite(counts).all(), "a posterior is no number; it would spread from word to word over all the text"
    return Posterior(
        word_tbs.transpose(1, 0, 2),
        null_tb.T,
        counts,
        float(np.log(scale_tb, dtype=np.float64).sum() + np.log(end_b, dtype=np.float64).sum()),
    )
