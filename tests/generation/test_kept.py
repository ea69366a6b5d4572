"""What is kept of the hypotheses that ended."""

from __future__ import annotations

import torch

from weft.generation.kept import Kept


def ended(scores: list[list[float]], mark: int) -> Kept:
    """Hypotheses with these scores, whose slots are `mark`, `mark` + 1, ..."""
    score = torch.tensor(scores, dtype=torch.float64)
    slots = mark + torch.arange(score.shape[1]).expand_as(score)
    return Kept(score, 2 * score, 3 * score, slots, slots + 100)


def test_the_best_of_both_in_order_with_all_they_have() -> None:
    kept = Kept.nothing(3, 2, torch.zeros(0, dtype=torch.float64))
    kept.merge(torch.tensor([0, 2]), ended([[-3.0, -5.0, -7.0], [-2.0, -4.0, -4.5]], mark=10))
    kept.merge(torch.tensor([2]), ended([[-1.0, -3.0, -9.0]], mark=20))
    never = float("-inf")
    assert kept.score.tolist() == [[-3.0, -5.0], [never, never], [-1.0, -2.0]]
    assert kept.slots.tolist() == [[10, 11], [0, 0], [20, 10]]
    assert torch.equal(kept.reads[[0, 2]], kept.slots[[0, 2]] + 100)
    assert torch.equal(kept.total[[0, 2]], 2 * kept.score[[0, 2]])
    assert torch.equal(kept.last_log_probs[[0, 2]], 3 * kept.score[[0, 2]])


def test_of_equals_the_first_stays() -> None:
    """Else a streamed prefix could be taken back."""
    kept = Kept.nothing(1, 1, torch.zeros(0, dtype=torch.float64))
    for mark in range(1, 30):
        kept.merge(torch.tensor([0]), ended([[-1.0] * 29], mark=mark))
    assert kept.slots.tolist() == [[1]]
