"""Positions of each row's own give what the same positions give when all rows share them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from weft.base.errors import ShapeError
from weft.layers.position import Learned, Rotary, Sinusoidal

ROWS = torch.tensor([[0, 1, 2, 3, 4], [3, 4, 5, 6, 7]])


@pytest.mark.parametrize("position", [Sinusoidal(11), Sinusoidal(6), Learned(11, 17)], ids=lambda module: repr(module))
def test_added_positions(position: nn.Module) -> None:
    each = torch.stack([position(row) for row in ROWS])
    assert torch.equal(position(ROWS), each)


def test_rotated_queries() -> None:
    rotary, x = Rotary(6), torch.randn(2, 3, 5, 6, generator=torch.Generator().manual_seed(1))
    each = torch.cat([rotary(x[row : row + 1], ROWS[row]) for row in range(2)])
    assert torch.equal(rotary(x, ROWS), each)
    assert torch.equal(rotary(x, ROWS[:, :1])[1], rotary(x, ROWS[:1, 3:4])[1]), "one position for all hypotheses"


def test_learned_positions_look_at_every_row() -> None:
    with pytest.raises(ShapeError, match="learned positions end at 7, got position 7; split the text"):
        Learned(11, 7)(ROWS.flip(0))
