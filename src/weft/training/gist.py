"""What sources tell without a decoder: each of its target's tokens, and which target is whose."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from weft.base.padded import Padded
from weft.base.shapes import Float, Int, Tensor
from weft.training.loss import Loss

SHARPNESS = 5.0
"""What a mean log-probability is multiplied by before sources are compared: one over the temperature."""


def word_counts(target: Padded, row: Int[Tensor, " b"], *, sources: int, words: int) -> Float[Tensor, "p w"]:
    """How often each token is in the targets of each source; target r, `[b t]`, is one of source `row[r]`."""
    counts = torch.zeros(sources, words, device=row.device)
    rows_bt = row[:, None].expand_as(target.values)
    return counts.index_put_((rows_bt[target.keep], target.values[target.keep]), counts.new_ones(()), accumulate=True)


def foretelling(log_probability: Float[Tensor, "p w"], counts: Float[Tensor, "p w"], smoothing: float) -> Loss:
    """Summed smoothed cross-entropy of every token that is counted, each given its source alone.

    So does a latent variable foretell its bag of words in Zhao et al. 2017 (https://arxiv.org/abs/1703.10960), 3.3.
    """
    own = -(counts * log_probability).sum()
    uniform = -(counts.sum(1) * log_probability.mean(1)).sum()
    return Loss((1 - smoothing) * own + smoothing * uniform, own.detach())


def telling_apart(log_probability: Float[Tensor, "p w"], counts: Float[Tensor, "p w"]) -> Float[Tensor, ""]:
    """Summed over the tokens counted, the cross-entropy of naming the source that a bag of words is of, in nats.

    The choice is among the p sources, by how likely each makes the words: a contrast of sources for given words (van
    den Oord et al. 2018, https://arxiv.org/abs/1807.03748, eq. 4; of pictures and their captions Radford et al. 2021).
    """
    tokens = counts.sum(1)
    likelihood_of_words_by_source = (counts / tokens.clamp(min=1)[:, None]) @ log_probability.T
    whose = torch.arange(len(counts), device=counts.device)
    return tokens @ F.cross_entropy(SHARPNESS * likelihood_of_words_by_source, whose, reduction="none")
