"""Masks are structures: dense of `&` is the `&` of the denses; select and cut commute with dense."""

from __future__ import annotations

import itertools

import pytest
import torch

from weft.attention import Arbitrary, Causal, Full, Padding, Window
from weft.attention.masks import Links
from weft.base.errors import ShapeError

B, H, T, S = 2, 3, 5, 7
QUERIES, KEYS = torch.arange(2, 2 + T), torch.arange(S)


def masks() -> dict[str, object]:
    torch.default_generator.manual_seed(3)
    return {
        "full": Full(),
        "causal": Causal(),
        "window": Window(2, 1),
        "padding": Padding(torch.rand(B, S) < 0.6),
        "arbitrary": Arbitrary(torch.rand(B, H, T, S) < 0.6),
        "one row": Arbitrary(torch.rand(1, H, 1, S) < 0.6),
    }


PAIRS = list(itertools.product(masks(), masks()))


def dense(mask) -> torch.Tensor:
    return mask.dense(QUERIES, KEYS).expand(B, H, T, S)


@pytest.mark.parametrize(("left", "right"), PAIRS)
def test_and_is_the_and_of_the_denses(left, right):
    one, other = masks()[left], masks()[right]
    assert torch.equal(dense(one & other), dense(one) & dense(other))
    assert torch.equal(dense(one & other & Causal()), dense(one) & dense(other) & dense(Causal()))


@pytest.mark.parametrize(("left", "right"), PAIRS)
def test_select_and_cut_commute_with_dense(left, right):
    mask = masks()[left] & masks()[right]
    rows = torch.tensor([1, 0, 1])
    assert torch.equal(mask.select(rows).dense(QUERIES, KEYS).expand(3, H, T, S), dense(mask)[rows])
    part = mask.cut(heads=[2, 0], rows=[4, 1], keys=slice(1, 4)).dense(QUERIES[[4, 1]], KEYS[1:4])
    assert torch.equal(part.expand(B, 2, 2, 3), dense(mask)[:, [2, 0]][:, :, [4, 1], 1:4])


@pytest.mark.parametrize(("left", "right"), PAIRS)
def test_keys_said_to_be_hidden_are_hidden_from_all(left, right):
    mask = masks()[left] & masks()[right]
    keep = mask.key_keep()
    assert (keep is None) == (not {left, right} & {"padding", "arbitrary", "one row"})
    if keep is not None:
        assert not dense(mask).any(2).any(1)[~keep.expand(B, S)].any()


def test_positions_are_absolute():
    assert torch.equal(Causal().dense(torch.tensor([3]), KEYS)[0, 0, 0], KEYS <= 3)
    assert torch.equal(Window(1, 2).dense(torch.tensor([3]), KEYS)[0, 0, 0], (KEYS >= 2) & (KEYS <= 5))


def test_everything_and_a_mask_is_the_mask():
    mask = Causal()
    assert (Full() & mask) is mask
    assert (mask & Full()) is mask
    assert (Full() & Full()) == Full()
    assert str(Causal() & Window(3)) == "Both(left=Causal(), right=Window(before=3, after=0))"


def test_a_row_for_the_whole_batch_survives_select():
    keep = torch.tensor([[True, False, True]])
    assert torch.equal(Padding(keep).select(torch.tensor([0, 0, 0])).dense(KEYS[:1], KEYS[:3])[0, 0, 0], keep[0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Window(-1), "a window wants before >= 0 and after >= 0, got -1 and 0"),
        (lambda: Window(1, -2), "a window wants before >= 0 and after >= 0, got 1 and -2"),
        (lambda: Padding(torch.ones(2, 7)), r"keep must be bool \[b s\], got torch.float32 \[2, 7\]"),
        (lambda: Padding(torch.ones(7, dtype=torch.bool)), r"keep must be bool \[b s\], got torch.bool \[7\]"),
        (
            lambda: Arbitrary(torch.ones(1, 1, 5, 7)),
            r"allowed must be bool \[b\|1 h\|1 t\|1 s\], got torch.float32 \[1, 1, 5, 7\]",
        ),
        (
            lambda: Arbitrary(torch.ones(5, 7, dtype=torch.bool)),
            r"allowed must be bool \[b\|1 h\|1 t\|1 s\], got torch.bool \[5, 7\]",
        ),
        (
            lambda: Padding(torch.ones(2, 9, dtype=torch.bool)).dense(QUERIES, KEYS),
            r"keep must be \[b s\] = \[b, 7\], got \[2, 9\]; pad source and mask together",
        ),
        (
            lambda: Arbitrary(torch.ones(1, 1, 4, 7, dtype=torch.bool)).dense(QUERIES, KEYS),
            r"allowed must be \[b\|1 h\|1 t\|1 s\] = \[b, h, 5, 7\], got \[1, 1, 4, 7\]; give one row a query",
        ),
        (
            lambda: (Causal() & Arbitrary(torch.ones(1, 1, 5, 1, dtype=torch.bool))).check((2, 3, 5, 7)),
            r"allowed must be \[b\|1 h\|1 t\|1 s\] = \[2, 3, 5, 7\], got \[1, 1, 5, 1\]",
        ),
        (
            lambda: (Padding(torch.ones(3, 7, dtype=torch.bool)) & Causal()).check((2, 3, 5, 7)),
            r"keep must be \[b s\] = \[2, 7\], got \[3, 7\]",
        ),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_messages_say_what_was_wanted_and_what_came(make, message):
    with pytest.raises(ShapeError, match=message):
        make()


@pytest.mark.parametrize(("left", "right"), PAIRS)
def test_single_places_are_those_of_the_dense(left, right):
    mask = masks()[left] & masks()[right]
    row, query, key = torch.cartesian_prod(torch.arange(B), torch.arange(T), KEYS).unbind(-1)
    for head in range(H):
        of_head = mask.cut(heads=[head], rows=None, keys=slice(None))
        assert torch.equal(of_head.at(Links(row, query, key, start=2)), dense(mask)[row, head, query, key])


@pytest.mark.parametrize(("left", "right"), PAIRS)
def test_a_mask_of_keys_alone_is_the_same_for_all_queries(left, right):
    mask = masks()[left] & masks()[right]
    assert mask.same_for_all_queries() == (mask.dense(QUERIES, KEYS).shape[2] == 1)
