"""Greedy search: the most probable token, each time."""

from __future__ import annotations

from weft.base.shapes import Float, Int, Tensor
from weft.generation.chain import Choice
from weft.generation.constraints import Constraints
from weft.generation.logits import log_probabilities_


class Greedy:
    """Chooses the most probable allowed token."""

    def __init__(self, constraints: Constraints) -> None:
        self._constraints = constraints

    def choose(self, logits: Float[Tensor, "m n w"], step: int) -> Choice:
        best = self._constraints(log_probabilities_(logits), step).max(-1)
        self._constraints.follow(best.indices)
        return Choice(best.indices, best.values)

    def select(self, kept: Int[Tensor, " m"]) -> None:
        self._constraints.select(kept)
