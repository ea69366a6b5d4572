"""How far one jumps in a text from the word last spoken of to the next one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weft.statistical.posterior import Array

SMOOTHING = 0.5
"""Jumps of every distance that are taken for seen before any was."""


@dataclass(frozen=True)
class Transitions:
    """Probabilities in a text of s words; row 0 is the place before the first word, row i + 1 is word i."""

    jumps: Array
    """To each word, `[s + 1, s]`."""
    end: Array
    """Past the last word, `[s + 1]`; with it a row of `jumps` sums to 1."""


@dataclass(frozen=True)
class Jumps:
    """Weights of the distances -K to K; longer jumps weigh as much as those of K."""

    weights: NDArray[np.float64]

    @classmethod
    def at_first(cls, longest: int) -> Jumps:
        """Before any was seen: mostly to the next word, falling off to both sides."""
        return cls(np.exp(-np.abs(np.arange(-longest, longest + 1) - 1) / 3.0) + 1e-3)

    def learned(self, counts: NDArray[np.float64]) -> Jumps:
        """The weights that expected counts of the distances ask for; if there were no jumps, these."""
        if not counts.any():
            return self
        smoothed = counts + SMOOTHING
        return Jumps(smoothed / smoothed.sum())

    def transitions(self, num_words: int) -> Transitions:
        """The probabilities in a text of so many words: weights over the sum of all places one can jump to."""
        weight = self.weights[self._distance(num_words)]
        share = (weight / weight.sum(1, keepdims=True)).astype(np.float32)
        return Transitions(np.ascontiguousarray(share[:, :-1]), share[:, -1])

    def counts(self, jumps: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
        """Expected numbers from place to place, laid out as `Transitions`, summed by distance."""
        each = np.concatenate([jumps, end[:, None]], 1)
        summed: NDArray[np.float64] = np.zeros(len(self.weights))
        np.add.at(summed, self._distance(len(end) - 1), each)
        return summed

    def _distance(self, num_words: int) -> NDArray[np.int64]:
        """Index into `weights` of the jump from each place to each word and past the end, `[s + 1, s + 1]`."""
        longest = len(self.weights) // 2
        distance = np.arange(num_words + 1)[None, :] - np.arange(-1, num_words)[:, None]
        return np.clip(distance, -longest, longest) + longest
