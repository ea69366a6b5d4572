"""Length limits, and a bound that nothing passes."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import settings as run_with
from hypothesis import strategies as st

from weft.generation.hypothesis import length_normalised
from weft.generation.settings import SearchSettings
from weft.generation.stop import best_possible, length_limits

LENGTHS = torch.tensor([0, 3, 7, 11])
NONE: list[list[int]] = [[], [], [], []]


def test_limits_follow_the_source() -> None:
    assert length_limits(LENGTHS, SearchSettings(), NONE).tolist() == [20, 26, 34, 42]
    relative = SearchSettings(max_length_ratio=1.5, max_length_offset=0)
    assert length_limits(LENGTHS, relative, NONE).tolist() == [1, 4, 10, 16]


def test_a_minimum_and_a_prefix_lift_the_relative_limit() -> None:
    relative = SearchSettings(max_length_ratio=1.0, max_length_offset=0, min_length=5)
    assert length_limits(LENGTHS, relative, [[], [3] * 7, [3], []]).tolist() == [5, 8, 7, 11]


def test_nothing_lifts_the_maximum() -> None:
    assert length_limits(LENGTHS, SearchSettings(max_length=7), [[], [3] * 7, [3], []]).tolist() == [7, 7, 7, 7]


@run_with(deadline=None)
@given(
    total=st.floats(-50, 0),
    more=st.lists(st.floats(-5, 0), max_size=13),
    alpha=st.sampled_from([0.0, 0.6, 1.0, 1.5]),
    room=st.integers(0, 7),
)
def test_no_future_passes_the_bound(total: float, more: list[float], alpha: float, room: int) -> None:
    """A hypothesis of 3 tokens goes on by `more`, with `room` to spare."""
    limit = 3 + len(more) + room
    bound = best_possible(torch.tensor([[total]], dtype=torch.float64), torch.tensor([limit]), alpha)
    assert length_normalised(total + sum(more), 3 + len(more), alpha) <= float(bound) + 1e-12
