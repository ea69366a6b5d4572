"""What the chosen heads of a site read, as one matrix a pair."""

from __future__ import annotations

import numpy as np

from weft.alignment.settings import AlignmentSettings
from weft.alignment.side import Array
from weft.attention.record import Observation
from weft.base.shapes import Float, Tensor


def read(observation: Observation, settings: AlignmentSettings, *, before: int = 0) -> Array:
    """The weights `[m t s]` of all rows m of an observation: the mean of the chosen heads, by norm if so set.

    The columns of the text come first: the `before` positions that stand ahead of it (codes of languages) are put last.
    """
    weights = observation.weights(heads=settings.heads)
    norms = observation.value_norms(heads=settings.heads) if settings.norm_weighting else None
    found = combined(weights, norms)
    return np.roll(found, -before, -1) if before else found


def combined(weights: Float[Tensor, "*m r t s"], norms: Float[Tensor, "*m r s"] | None = None) -> Array:
    """The mean of the heads r, `[*m t s]` in float64 on the CPU.

    With `norms`, |v W_o| of each head and key, weights are multiplied with them before the heads are averaged
    (Kobayashi et al. 2020, equation 6 with the norm taken head by head), and each row is then scaled to the sum it had:
    what a learned score of "no word" took stays taken.
    """
    mean = weights.mean(-3)
    if norms is not None:
        weighted = (weights * norms[..., None, :]).mean(-3)
        total = weighted.sum(-1, keepdim=True)
        mean = (weighted * (mean.sum(-1, keepdim=True) / total)).where(total > 0, mean)
    found: Array = mean.detach().double().cpu().numpy()
    return found
