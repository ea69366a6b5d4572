"""Inputs in batches of like length, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.base.errors import ConfigError
from weft.generation.batching import batches_by_length, in_given_order

limits = st.none() | st.integers(1, 29)


@given(lengths=st.lists(st.integers(0, 23), max_size=31), max_tokens=limits, max_rows=limits)
def test_every_input_once_longest_first_within_the_limits(
    lengths: list[int], max_tokens: int | None, max_rows: int | None
) -> None:
    batches = batches_by_length(lengths, max_tokens=max_tokens, max_rows=max_rows)
    order = [index for batch in batches for index in batch]
    assert sorted(order) == list(range(len(lengths)))
    assert order == sorted(order, key=lambda index: (-lengths[index], index))
    for batch in batches:
        assert batch
        assert max_rows is None or len(batch) <= max_rows
        assert max_tokens is None or len(batch) == 1 or len(batch) * lengths[batch[0]] <= max_tokens


@given(lengths=st.lists(st.integers(0, 23), max_size=31), max_rows=limits)
def test_results_come_back_in_order(lengths: list[int], max_rows: int | None) -> None:
    batches = batches_by_length(lengths, max_rows=max_rows)
    results = [[f"{index}" for index in batch] for batch in batches]
    assert in_given_order(batches, results) == [f"{index}" for index in range(len(lengths))]


def test_an_example() -> None:
    assert batches_by_length([2, 7, 3, 7, 5], max_tokens=14) == [[1, 3], [4, 2], [0]]


@pytest.mark.parametrize("name", ["max_tokens", "max_rows"])
def test_a_limit_of_nothing(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"{name} must be at least 1, got 0; None means no limit"):
        batches_by_length([3], **{name: 0})
