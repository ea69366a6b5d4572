"""Real positions first, in order."""

from __future__ import annotations

import torch

from weft.base.padded import Padded, pad


def test_left_aligned_moves_real_positions_to_the_front_in_order() -> None:
    padded = Padded(
        torch.tensor([[9, 5, 9, 6, 7], [4, 3, 2, 9, 9]]), torch.tensor([[0, 1, 0, 1, 1], [1, 1, 1, 0, 0]]) > 0
    )
    aligned = padded.left_aligned()
    assert aligned.values[aligned.keep].tolist() == [5, 6, 7, 4, 3, 2]
    assert aligned.keep.tolist() == [[True, True, True, False, False]] * 2


def test_left_aligned_leaves_what_is_aligned_and_carries_vectors() -> None:
    padded = pad([[5, 6], [7], []])
    assert torch.equal(padded.left_aligned().values, padded.values)
    vectors = padded.with_values(torch.randn(3, 2, 5, generator=torch.Generator().manual_seed(1)))
    assert torch.equal(vectors.left_aligned().values, vectors.values)
