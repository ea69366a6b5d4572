"""Edges are columns of one length."""

from __future__ import annotations

import pytest
import torch

from weft.base.edges import Edges
from weft.base.errors import ShapeError


def test_none_is_no_edge() -> None:
    assert len(Edges.none()) == 0
    assert Edges.none().to("cpu").weight.dtype is torch.float32


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"one length, got \[2, 3, 2, 2\]; give one of each an edge"):
        Edges(torch.arange(2), torch.arange(3), torch.arange(2), torch.zeros(2))
