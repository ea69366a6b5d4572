"""Pages honour their tolerance whatever the keys, read little where they can, and say what they did."""

from __future__ import annotations

import logging

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from weft.attention import ByLength, Full, Fused, Padding, Pages, Reference, Tally
from weft.attention.page_index import PageIndex
from weft.base.errors import ConfigError, UnsupportedError

WIDTH = 8


def hostile(kind: str, s: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Queries `[2 2 3 k]`, keys and values of a kind that a bound might get wrong."""
    random = torch.Generator().manual_seed(seed)
    q, k, v = (torch.randn(2, 2, n, WIDTH, generator=random) for n in (3, s, s))
    if kind == "far off the origin":
        k += 300 * torch.randn(WIDTH, generator=random)
    elif kind == "one needle":
        k[:, :, int(torch.randint(s, (), generator=random))] += 4 * q[:, :, 0]
    elif kind == "huge":
        k *= 40
    elif kind == "tiny":
        k *= 1e-20
    elif kind == "equal":
        k[:] = k[:, :, :1]
    elif kind == "against":
        k = -q[:, :, :1] * torch.rand(2, 2, s, 1, generator=random) * 9
    elif kind == "needles where all else is small":
        k = 1e-3 * k
        k[:, :, ::7] += 6 * q[:, :, :1]
    v[:, :, 0] = 1e4
    return q, k, v


KINDS = ["random", "far off the origin", "one needle", "huge", "tiny", "equal", "against"]
KINDS += ["needles where all else is small"]


@settings(max_examples=60)
@given(
    kind=st.sampled_from(KINDS),
    s=st.sampled_from([1, 2, 13, 61, 128]),
    page=st.sampled_from([1, 2, 5]),
    first=st.sampled_from([1, 3]),
    tolerance=st.sampled_from([0.0, 1e-6, 1e-3, 0.1, 0.5]),
    most=st.sampled_from([0.0, 0.3, 1.0]),
    seed=st.integers(0, 99),
)
def test_the_tolerance_holds_in_every_call(kind, s, page, first, tolerance, most, seed):
    q, k, v = hostile(kind, s, seed)
    mask = Padding(torch.arange(s) < torch.tensor([[s], [seed % (s + 1)]])) if seed % 2 else Full()
    pages = Pages(tolerance=tolerance, page=page, pages=first, most=most)
    memory = pages.prepare(k, v, mask=mask)
    truth = Reference().prepare(k.double(), v.double(), mask=mask)
    wanted = Reference().weights(q.double(), truth)
    read = pages.weights(q, memory) > 0
    left_out = wanted.masked_fill(read, 0.0).sum(-1)
    assert left_out.max() <= tolerance + 1e-6
    real = torch.ones(2, s, dtype=torch.bool) if mask.key_keep() is None else mask.key_keep()
    shown = truth.v.masked_fill(~real[:, None, :, None], 0.0)
    span = (shown.amax(2, keepdim=True) - shown.amin(2, keepdim=True)).clamp_min(1.0)
    error = (pages.attend(q, memory).double() - Reference().attend(q.double(), truth)).abs()
    # Beside the tolerance the error has what float32 makes of scores that are as large as these.
    rounding = 4e-6 * (1 + float(q.norm(dim=-1).max() * k.norm(dim=-1).max()))
    assert (error <= (tolerance + rounding) * span).all()
    assert pages.tally.left_out <= tolerance


@settings(max_examples=30)
@given(kind=st.sampled_from(KINDS), page=st.sampled_from([1, 3, 16]), seed=st.integers(0, 99))
def test_a_bound_is_never_below_what_it_bounds(kind, page, seed):
    q, k, v = hostile(kind, 61, seed)
    mask = Padding(torch.arange(61) < torch.tensor([[61], [seed % 62]]))
    memory = Pages(page=page).prepare(k, v, mask=mask)
    bounds = memory.index.log_bounds(q, [0, 1], WIDTH**-0.5)
    scores = torch.einsum("bhtk,bhsk->bhts", q.double(), memory.k.double()) * WIDTH**-0.5
    scores = scores.masked_fill(~mask.keep[:, None, None], -torch.inf)
    surplus = -61 % page
    paged = torch.nn.functional.pad(scores, (0, surplus), value=-torch.inf).unflatten(-1, (-1, page))
    assert (bounds.double() >= paged.logsumexp(-1)).all()


def concentrated(s: int = 4096) -> tuple[Tensor, Tensor, Tensor]:
    random = torch.Generator().manual_seed(7)
    q, k, v = (torch.randn(1, 2, n, 16, generator=random) for n in (1, s, s))
    k[:, :, s // 3] += 8 * q[:, :, 0]
    return q, k, v


def test_concentrated_attention_reads_few_keys():
    q, k, v = concentrated()
    pages = Pages()
    memory = pages.prepare(k, v)
    torch.testing.assert_close(pages.attend(q, memory), Fused().attend(q, memory), atol=2e-3, rtol=0)
    assert pages.tally.to_json() == {
        "rows": 2,
        "dense_rows": 0,
        "keys_per_row": 512.0,
        "left_out": pages.tally.left_out,
    }
    assert 0 < pages.tally.left_out <= 1e-3


def test_spread_attention_reads_everything_and_says_so_once(caplog):
    _, k, v = concentrated()
    q = torch.zeros(1, 2, 1, 16)
    pages = Pages(tally=Tally())
    memory = pages.prepare(k, v)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            torch.testing.assert_close(pages.attend(q, memory), v.mean(2, keepdim=True), atol=1e-5, rtol=0)
    assert [record.message for record in caplog.records] == [
        "attention is too spread out to prove that less than 0.001 of it is left out: some rows read every key; "
        "a larger tolerance would spare them"
    ]
    assert pages.tally.dense_rows == 6


def test_rows_choose_for_themselves():
    q, k, v = concentrated()
    both = torch.cat((q, torch.zeros_like(q)), 2)
    pages = Pages()
    memory = pages.prepare(k, v)
    pages.attend(both, memory)
    assert (pages.tally.rows, pages.tally.dense_rows) == (4, 2)
    torch.testing.assert_close(pages.attend(both, memory)[:, :, :1], pages.attend(q, memory))


def test_an_index_that_was_lost_is_made_again():
    q, k, v = concentrated()
    memory = Pages().prepare(k, v)
    bare = memory.with_mask(Full())
    assert bare.index is None
    torch.testing.assert_close(Pages().attend(q, bare), Pages().attend(q, memory))
    assert isinstance(memory.select(torch.tensor([0])).index, PageIndex)


def test_by_length_reads_short_sources_densely():
    q, k, v = concentrated()
    pages = Pages()
    short, long = ByLength(pages, crossover=4097), ByLength(pages, crossover=4096)
    assert torch.equal(short.attend(q, short.prepare(k, v)), Fused().attend(q, Fused().prepare(k, v)))
    assert pages.tally.rows == 0
    long.attend(q, long.prepare(k, v))
    assert pages.tally.rows == 2


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"tolerance": 1.0}, "tolerance must be a share of the weight, from 0 to below 1, got 1.0; try 0.001"),
        ({"tolerance": -0.1}, "from 0 to below 1, got -0.1"),
        ({"page": 0}, "page and pages must be at least 1, and most from 0 to 1, got 0, 32 and 0.125"),
        ({"most": 1.5}, "got 16, 32 and 1.5; leave them out"),
    ],
)
def test_settings_that_mean_nothing_are_refused(told, message):
    with pytest.raises(ConfigError, match=message):
        Pages(**told)


def test_a_bias_and_dropout_are_refused_before_any_work():
    q, k, v = concentrated(61)
    with pytest.raises(UnsupportedError, match="the pages back end does not support bias; use the reference back end"):
        Pages().prepare(k, v, bias=torch.zeros(1, 1, 1, 61))
    with pytest.raises(UnsupportedError, match="the pages back end does not support dropout"):
        Pages().attend(q, Pages().prepare(k, v), dropout=0.1)
