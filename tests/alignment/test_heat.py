"""Weights with labels, and what their rows and columns add up to."""

from math import log

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from weft.alignment.heat import Heat, coverage, entropy
from weft.base.errors import ShapeError


def test_a_row_that_reads_evenly_spreads_over_all_it_reads() -> None:
    weights = torch.tensor(
        [[0.25, 0.25, 0.25, 0.25], [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.25, 0.25, 0.0, 0.0]]
    )
    assert entropy(weights).tolist() == pytest.approx([log(4), 0.0, 0.0, log(2) * 1.5])
    assert coverage(weights).tolist() == [1.5, 0.5, 0.25, 0.25]


@given(st.integers(0, 5), st.integers(1, 7), st.integers(0, 99))
def test_entropy_and_coverage_hold_their_bounds(num_rows: int, num_columns: int, seed: int) -> None:
    weights = torch.randn(3, num_rows, num_columns, generator=torch.Generator().manual_seed(seed)).softmax(-1) * 0.9
    nats, read = entropy(weights), coverage(weights)
    assert list(nats.shape) == [3, num_rows]
    assert list(read.shape) == [3, num_columns]
    assert bool(((nats >= 0) & (nats <= log(num_columns + 1) + 1e-6)).all())
    torch.testing.assert_close(read.sum(-1), torch.full((3,), 0.9 * num_rows).double())
    torch.testing.assert_close(
        nats,
        torch.distributions.Categorical(torch.cat([weights, torch.full((3, num_rows, 1), 0.1)], -1).double()).entropy(),
        atol=1e-6,
        rtol=0,
    )


def test_labels_must_fit_the_weights() -> None:
    with pytest.raises(
        ShapeError, match=r"t, s = \[1, 2\], one label a row.*got \[1, 1, 2, 2\]; cut weights and labels"
    ):
        Heat(torch.ones(1, 1, 2, 2), ["a"], ["b", "c"])


def test_words_are_of_the_same_heads() -> None:
    with pytest.raises(ShapeError, match=r"same \[l h\] = \[1, 2\] as weights, got \[2, 1\]; read both from the same"):
        Heat(torch.ones(1, 2, 1, 1), ["a"], ["b"], words=torch.ones(2, 1, 1, 1))
