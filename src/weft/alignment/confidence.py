"""How sure a model was of each word that it wrote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from weft.alignment.link import Span
from weft.alignment.side import Side

_DIGITS = 7  # of a probability in JSON


@dataclass(frozen=True, slots=True)
class Word:
    """A target word and its confidence, 0 to 1: how probable the model found it after all that stands before it.

    That is the product of the probabilities of its tokens, by the chain rule P(word | source, words before), for the
    word as it was cut into tokens, with no say about what follows. A longer word is not scaled up: of two words the one
    with the higher figure was the surer choice. What was not translated but kept has confidence 1. A model is sure of
    itself, not of the truth: compare figures of one model, and measure before reading them as a chance of being right.
    """

    target: Span
    confidence: float

    def moved(self, by: int) -> Word:
        """The same word where its text stands this many code points further on."""
        return Word((self.target[0] + by, self.target[1] + by), self.confidence)

    def to_json(self) -> dict[str, Any]:
        """`{"target": [s, e], "confidence": p}`."""
        return {"target": list(self.target), "confidence": round(self.confidence, _DIGITS)}


def confidences(target: Side, log_probabilities: Sequence[float]) -> tuple[Word, ...]:
    """The confidence of each word of a text, given the natural log-probability of each of its tokens.

    A token that several words share counts for each of them; those that stand in no word, such as </s>, for none.
    """
    inside = target.overlaps() > 0
    totals = np.asarray(log_probabilities, dtype=np.float64)[: len(inside)] @ inside
    return tuple(map(Word, target.words, np.exp(np.minimum(totals, 0)).tolist()))
