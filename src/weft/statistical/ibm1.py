"""Every word by itself: IBM model 1 with a fixed prior for the diagonal, which only has to start the lexicon."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.statistical.posterior import Array, Posterior


def posterior(words: Array, null: Array, *, tension: float, unaligned: float) -> Posterior:
    """The posterior under the prior `diagonal`; `words` `[b t s]` and `null` `[b t]` are lexicon probabilities."""
    prior_ts = (1 - unaligned) * diagonal(*words.shape[1:], tension=tension)
    joint_bts, none_bt = words * prior_ts, null * np.float32(unaligned)
    total_bt = joint_bts.sum(2) + none_bt
    joint_bts /= total_bt[..., None]
    return Posterior(joint_bts, none_bt / total_bt, np.zeros(1), float(np.log(total_bt, dtype=np.float64).sum()))


def diagonal(num_t: int, num_s: int, *, tension: float) -> Array:
    """How likely word t came from place s before any word is known, `[t s]`; rows sum to 1.

    It falls as exp(-tension * |s/S - t/T|), as in Dyer, Chahuneau and Smith 2013 (section 2), from middle to middle.
    """
    place_s, place_t = (np.arange(num_s) + 0.5) / num_s, (np.arange(num_t) + 0.5) / num_t
    weight_ts = np.exp(-tension * np.abs(place_s[None, :] - place_t[:, None]))
    prior: NDArray[np.float32] = (weight_ts / weight_ts.sum(1, keepdims=True)).astype(np.float32)
    return prior
