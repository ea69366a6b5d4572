"""Relative positions: what shares a bucket, and what a bias is the same for."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from weft.base.errors import ConfigError
from weft.layers.relative import Buckets, NoBias, RelativeBias

PLACES = torch.arange(97)


@given(count=st.integers(4, 37), farthest=st.integers(20, 70), both_ways=st.booleans())
def test_buckets_grow_with_distance_and_end(count: int, farthest: int, both_ways: bool) -> None:
    found = Buckets(count, farthest, both_ways).of(PLACES, PLACES)
    assert int(found.min()) == 0
    assert int(found.max()) < count
    behind = found[-1].flip(0)  # of the last query, by distance
    assert torch.equal(behind, behind.sort().values)
    assert (behind[farthest:] == behind[-1]).all()
    ahead = found[0]
    assert torch.equal(ahead, ahead.sort().values) if both_ways else not ahead.any()


def test_near_distances_have_a_bucket_each_and_far_ones_share() -> None:
    found = Buckets(8, 16, both_ways=False).of(torch.tensor([40]), torch.arange(41)).flip(1)[0]
    assert found[:7].tolist() == [0, 1, 2, 3, 4, 4, 5]
    assert found[16:].unique().tolist() == [7]


def test_a_bias_depends_on_distance_alone_and_may_be_shared() -> None:
    bias = RelativeBias(3, 5, Buckets(8, 16, both_ways=True), shared=False)
    found = bias(PLACES[:7], PLACES[:11])
    assert [tuple(each.shape) for each in found] == [(1, 5, 7, 11)] * 3
    assert torch.equal(found[1][..., 1:, 1:], found[1][..., :-1, :-1])
    assert not torch.equal(found[0], found[1])
    one = RelativeBias(3, 5, Buckets(8, 16, both_ways=True), shared=True)
    assert len(list(one.parameters())) == 1
    assert all(torch.equal(each, one(PLACES[:7], PLACES[:11])[0]) for each in one(PLACES[:7], PLACES[:11]))
    assert NoBias(3)(PLACES, PLACES) == [None] * 3


@pytest.mark.parametrize(("count", "farthest", "both_ways"), [(2, 16, True), (8, 2, True), (8, 4, False)])
def test_buckets_that_cannot_be(count: int, farthest: int, both_ways: bool) -> None:
    with pytest.raises(ConfigError, match=r"relative positions want at least \d buckets and a farthest distance above"):
        Buckets(count, farthest, both_ways)
