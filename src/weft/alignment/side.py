"""One text of a pair that is aligned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weft.alignment.link import Span

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Side:
    """A text, the tokens that the model read or wrote for it, and its words; both as spans, in order.

    A token that stands for none of the text, such as </s>, has an empty span. Tokens that are part of one code point
    all span it.
    """

    text: str
    tokens: Sequence[Span]
    words: Sequence[Span]

    def overlaps(self) -> Array:
        """How many code points token i shares with word j, `[tokens, words]`."""
        token = np.asarray(self.tokens, dtype=np.int64).reshape(-1, 2)[:, None]
        word = np.asarray(self.words, dtype=np.int64).reshape(-1, 2)[None]
        shared = np.minimum(token[..., 1], word[..., 1]) - np.maximum(token[..., 0], word[..., 0])
        overlaps: Array = np.maximum(shared, 0).astype(np.float64)
        return overlaps
