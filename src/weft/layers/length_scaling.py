"""Scores that grow with the logarithm of the source's length, so that attention stays as sharp over longer ones.

A softmax over n keys gives the best of them a share that falls with n, whatever its score; scores times log n make up
for that (Chiang and Cholak 2022, https://arxiv.org/abs/2202.12172, section 5.3). A source is as long as it has real
positions. The factor is put into its keys, once a source: every back end, record and statistic sees it.
"""

from __future__ import annotations

from math import log

import torch
from torch import nn

from weft.attention.masks import Mask
from weft.base.shapes import Float, Tensor


class Unscaled(nn.Module):
    """Scores are the same however long the source is."""

    def forward(self, k: Float[Tensor, "b g s k"], mask: Mask) -> Float[Tensor, "b g s k"]:
        return k


class LogLength(nn.Module):
    """Scores times log n / log `trained_length`, for sources of more than that: for a model that is there already."""

    def __init__(self, trained_length: int) -> None:
        super().__init__()
        self.trained_length = trained_length

    def forward(self, k: Float[Tensor, "b g s k"], mask: Mask) -> Float[Tensor, "b g s k"]:
        return k * (_log_lengths(k, mask) / log(self.trained_length)).clamp_min(1.0)


class LearnedLogLength(nn.Module):
    """Scores times s log n, with a learned s for each key head (SSMax; Nakanishi 2025, https://arxiv.org/abs/2501.19399).

    It begins as what changes nothing at `trained_length`.
    """

    def __init__(self, num_groups: int, trained_length: int) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.full((num_groups, 1, 1), 1 / log(trained_length)))

    def forward(self, k: Float[Tensor, "b g s k"], mask: Mask) -> Float[Tensor, "b g s k"]:
        return k * (self.slope * _log_lengths(k, mask))


def _log_lengths(k: Tensor, mask: Mask) -> Float[Tensor, "#b 1 1 1"]:
    """log n of each row, of 2 for what is shorter: a factor of 0 would make all keys alike."""
    keep = mask.key_keep()
    lengths = torch.full((1,), k.shape[2], device=k.device) if keep is None else keep.sum(1)
    return lengths.clamp_min(2).to(k.dtype).log()[:, None, None, None]
