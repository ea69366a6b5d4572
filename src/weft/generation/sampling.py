"""Sampling: the next token is drawn by lot, in proportion to its (sharpened) probability."""

from __future__ import annotations

import torch

from weft.base.shapes import Float, Int, Tensor
from weft.generation.chain import Choice
from weft.generation.constraints import Constraints
from weft.generation.logits import log_probabilities_, sharpen
from weft.generation.settings import Sampling


class Sampler:
    """Draws each token from what is allowed; with None as generator, from torch's own."""

    def __init__(self, constraints: Constraints, sampling: Sampling, generator: torch.Generator | None) -> None:
        self._constraints = constraints
        self._sampling = sampling
        self._generator = generator

    def choose(self, logits: Float[Tensor, "m n w"], step: int) -> Choice:
        log_probs = self._constraints(log_probabilities_(logits), step)
        probs = sharpen(log_probs, self._sampling)
        drawn = torch.multinomial(probs.flatten(0, 1), 1, generator=self._generator)
        tokens = drawn.view(probs.shape[:2])  # (m n) 1 -> m n
        self._constraints.follow(tokens)
        return Choice(tokens, log_probs.gather(-1, tokens[..., None]).squeeze(-1))

    def select(self, kept: Int[Tensor, " m"]) -> None:
        self._constraints.select(kept)
