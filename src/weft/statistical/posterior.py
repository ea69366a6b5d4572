"""What one direction believes about sentence pairs of one shape: here the words of `s` generate those of `t`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Posterior:
    """Where each generated word came from; `words` and `null` of one word sum to 1."""

    words: Array
    """From each generating word, `[b t s]`."""
    null: Array
    """From no word, `[b t]`."""
    jumps: NDArray[np.float64]
    """Expected number of jumps of each distance, as `Jumps.weights`; one 0 from a model that knows no jumps."""
    log_likelihood: float
    """Of all generated words, in nats, summed over the block."""
