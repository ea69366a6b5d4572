"""A batch whose rows share what they read: encoded once, read by all."""

from __future__ import annotations

import pytest
import torch

from weft.base.errors import ShapeError
from weft.base.padded import Padded, Shared


def _padded() -> Padded:
    keep = torch.tensor([[True, True, False], [True, True, True]])
    return Padded(torch.arange(6).reshape(2, 3), keep)


def test_every_row_reads_what_it_names_and_the_encoder_reads_each_once() -> None:
    seen = []

    def encoder(padded: Padded) -> Padded:
        seen.append(len(padded))
        return padded.with_values(padded.values * 10)

    states = Shared(_padded(), torch.tensor([1, 0, 1])).read_by(encoder)
    assert states.values.tolist() == [[30, 40, 50], [0, 10, 20], [30, 40, 50]]
    assert states.keep.tolist() == [[True] * 3, [True, True, False], [True] * 3]
    assert seen == [2]


def test_a_plain_batch_is_read_as_it_is() -> None:
    padded = _padded()
    assert padded.read_by(lambda given: given) is padded


def test_rows_are_selected_and_counted() -> None:
    shared = Shared(_padded(), torch.tensor([1, 0, 1]))
    assert len(shared) == 3
    assert len(shared.select(torch.tensor([2]))) == 1
    assert shared.select(torch.tensor([1, 2])).row.tolist() == [0, 1]
    assert shared.keep.tolist() == [[True] * 3, [True, True, False], [True] * 3]
    assert shared.to("cpu").row.tolist() == [1, 0, 1]


@pytest.mark.parametrize("row", [torch.tensor([0, 2]), torch.tensor([-1])])
def test_a_row_that_is_not_there_is_refused(row: torch.Tensor) -> None:
    with pytest.raises(ShapeError, match=r"one of 2 shared rows, got .*; count from 0"):
        Shared(_padded(), row)
