"""A learned score of "no word" beside the keys of one head: part of what it reports, never of its context."""

from __future__ import annotations

import torch
from torch import nn

from weft.attention.record import Null


class NoNull(nn.Module):
    """All of a query's weight is on keys."""

    def forward(self) -> Null | None:
        return None


class LearnedNull(nn.Module):
    """A learned key and bias that one head's queries are scored against, as against a word that is not there.

    Only reports and the guided loss know of it, so a model writes the same text with it and without it.
    """

    def __init__(self, head: int, key_width: int) -> None:
        super().__init__()
        self.head = head
        self.key = nn.Parameter(torch.zeros(key_width))
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self) -> Null | None:
        return Null(self.head, self.key, self.bias)
