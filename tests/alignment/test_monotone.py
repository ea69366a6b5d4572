"""The best monotone path is the best of all of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.alignment.monotone import monotone_path

Cell = tuple[int, int]


def paths(rows: int, columns: int) -> Iterator[list[Cell]]:
    """Every path from the first to the last row and column."""
    if (rows, columns) == (1, 1):
        yield [(0, 0)]
    for fewer_rows, fewer_columns in ((1, 1), (1, 0), (0, 1)):
        if rows > fewer_rows and columns > fewer_columns:
            for before in paths(rows - fewer_rows, columns - fewer_columns):
                yield [*before, (rows - 1, columns - 1)]


@given(seed=st.integers(0, 997), rows=st.integers(1, 5), columns=st.integers(1, 5))
def test_no_path_has_more_weight(seed: int, rows: int, columns: int) -> None:
    weights = np.random.default_rng(seed).random((rows, columns))
    cells = [tuple(cell) for cell in np.argwhere(monotone_path(weights)).tolist()]
    assert cells in list(paths(rows, columns))
    best = max(sum(weights[cell] for cell in path) for path in paths(rows, columns))
    assert sum(weights[cell] for cell in cells) == pytest.approx(best, abs=1e-12)


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0)])
def test_of_nothing_there_is_no_path(shape: Cell) -> None:
    assert monotone_path(np.zeros(shape)).shape == shape


def test_a_thousand_words_take_no_time() -> None:
    path = monotone_path(np.eye(1009))
    assert (path == np.eye(1009, dtype=bool)).all()
