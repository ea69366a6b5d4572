"""The write-once history: its ancestor table against a naive copy of every past, and what it refuses."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from weft.attention import Full, Fused, Reference
from weft.base.errors import ConfigError, ShapeError
from weft.layers.attention import Heads
from weft.layers.cache import Ancestors, History, Stepping


@settings(max_examples=12)
@given(
    sizes=st.tuples(*[st.sampled_from([1, 2, 3])] * 3),
    steps=st.integers(1, 7),
    seed=st.integers(0, 99),
    backend=st.sampled_from([Reference(), Fused()]),
)
def test_an_ancestor_table_is_a_naive_copy_of_every_past(sizes, steps, seed, backend):
    (b, n, g), h, k, e = sizes, 2 * sizes[2], 5, 3
    torch.default_generator.manual_seed(seed)
    room = torch.full((b, g, steps * n, k + e), torch.nan).double()  # what no step has written is never read
    history = History(room[..., :k].clone(), room[..., k:].clone())
    ancestors = Ancestors.empty(b, n, steps, torch.device("cpu"))
    keys, values = torch.zeros(b, n, g, 0, k).double(), torch.zeros(b, n, g, 0, e).double()
    for _ in range(steps):
        ancestors = ancestors.advance()
        new_k, new_v = torch.randn(b, g, n, k).double(), torch.randn(b, g, n, e).double()
        memory = Stepping(history, ancestors.mask(), ancestors.length).extend(new_k, new_v, backend)
        assert memory.k.data_ptr() == history.k.data_ptr(), "a view, no copy"
        keys = torch.cat((keys, new_k.transpose(1, 2).unsqueeze(3)), 3)
        values = torch.cat((values, new_v.transpose(1, 2).unsqueeze(3)), 3)
        q = torch.randn(b, h, n, k).double()
        context = backend.attend(q, memory)
        for beam in range(n):
            alone = backend.prepare(keys[:, beam], values[:, beam], mask=None)
            wanted = backend.attend(q[:, :, beam : beam + 1], alone)
            torch.testing.assert_close(context[:, :, beam : beam + 1], wanted, atol=1e-12, rtol=0)
        parents, rows = torch.randint(0, n, (b, n)), torch.randint(0, b, (b,))
        history = history.select(rows, ancestors)
        ancestors = ancestors.reorder(parents).select(rows)
        batch = torch.arange(b)[:, None]
        keys, values = keys[batch, parents][rows], values[batch, parents][rows]


def test_one_hypothesis_needs_no_table():
    assert Ancestors.empty(2, 1, 3, torch.device("cpu")).advance().mask() == Full()


def test_a_full_cache_says_so():
    ancestors = Ancestors.empty(1, 2, 2, torch.device("cpu")).advance().advance()
    with pytest.raises(ShapeError, match="the cache holds 2 steps and all are used; ask for a larger capacity"):
        ancestors.advance()


def test_parents_must_name_every_hypothesis():
    with pytest.raises(ShapeError, match=r"parents must be \[b n\] = \[2, 3\], got \[2, 1\]; give one for every"):
        Ancestors.empty(2, 3, 5, torch.device("cpu")).reorder(torch.zeros(2, 1, dtype=torch.long))


def test_more_room_than_there_is_says_so():
    with pytest.raises(
        ConfigError, match=r"got no room for 2 sources with 10+ tokens each .*; lower max_length or the"
    ):
        History.room(torch.empty(0), 2, 10**15, Heads(3, 3, 4, 4))
