"""Scores that grow with the logarithm of a source's length: what they are, and that padding does not count."""

from __future__ import annotations

from math import log

import pytest
import torch

from weft.attention import Full, Padding, Reference
from weft.layers.length_scaling import LearnedLogLength, LogLength, Unscaled

B, G, S, K = 2, 3, 7, 11
LENGTHS = (7, 5)


def keys() -> torch.Tensor:
    return torch.randn(B, G, S, K, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def keep() -> torch.Tensor:
    return torch.arange(S) < torch.tensor(LENGTHS)[:, None]


def learned(slopes: list[float]) -> LearnedLogLength:
    scaling = LearnedLogLength(G, trained_length=5).double()
    with torch.no_grad():
        scaling.slope.copy_(torch.tensor(slopes)[:, None, None])
    return scaling


def test_nothing_is_scaled_where_nothing_is_asked():
    k = keys()
    assert Unscaled()(k, Full()) is k


@pytest.mark.parametrize("trained", [2, 3, 5])
def test_scores_are_those_of_scaled_queries_row_by_row(trained):
    k, q = keys(), torch.randn(B, G, 5, K, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    found = Reference().weights(q, Reference().prepare(LogLength(trained)(k, Padding(keep())), k, mask=Padding(keep())))
    for row, length in enumerate(LENGTHS):
        scores = q[row] @ k[row, :, :length].transpose(-1, -2) * K**-0.5 * log(length) / log(trained)
        torch.testing.assert_close(found[row, :, :, :length], scores.softmax(-1))


def test_sources_as_short_as_those_of_training_are_read_as_ever():
    k = keys()
    assert torch.equal(LogLength(7)(k, Padding(keep())), k)


def test_each_head_learns_a_slope_and_begins_where_nothing_changes():
    k = keys()
    torch.testing.assert_close(LearnedLogLength(G, trained_length=S).double()(k, Full()), k)
    slopes = [0.5, 1.0, 2.0]
    found = learned(slopes)(k, Padding(keep()))
    for row, length in enumerate(LENGTHS):
        for head, slope in enumerate(slopes):
            torch.testing.assert_close(found[row, head], k[row, head] * slope * log(length))


def test_gradients_of_the_slopes_are_those_of_differences():
    scaling, k = learned([0.3, 0.7, 1.1]), keys().requires_grad_()
    assert torch.autograd.gradcheck(lambda x, _: scaling(x, Padding(keep())), (k, scaling.slope))


def test_more_padding_changes_nothing_not_even_nan():
    k, mask = keys(), keep()
    more = torch.cat([k, torch.full((B, G, 2, K), torch.nan, dtype=k.dtype)], 2)
    longer = torch.cat([mask, torch.zeros(B, 2, dtype=torch.bool)], 1)
    assert torch.equal(LogLength(2)(more, Padding(longer))[:, :, :S], LogLength(2)(k, Padding(mask)))


@pytest.mark.parametrize("scaling", [LogLength(5), learned([0.5, 1.0, 2.0])])
def test_a_source_of_one_or_of_nothing_has_finite_keys(scaling):
    k, empty = keys(), torch.zeros(B, S, dtype=torch.bool)
    empty[0, 0] = True
    assert scaling(k, Padding(empty)).isfinite().all()
