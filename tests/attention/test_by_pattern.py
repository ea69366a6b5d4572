"""Attention along a pattern is dense attention under the pattern's mask, whatever it reads together."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from weft.attention import Arbitrary, Causal, Full, KeyValues, Mask, Padding, Record, Reference, by_pattern
from weft.attention.by_pattern import ByPattern
from weft.attention.masks import Links
from weft.attention.patterns import Along, Around, Blocks, Pattern
from weft.attention.record import Observation
from weft.base.errors import ConfigError, ShapeError, UnsupportedError

PATTERNS: dict[str, Pattern] = {
    "self alone": Around(0),
    "window": Around(3),
    "window and global": Around(2, num_global=3),
    "wide window": Around(37, num_global=1),
    "blocks": Blocks(5, near=1, global_blocks=0, drawn=0),
    "blocks, global and drawn": Blocks(3, near=1, global_blocks=1, drawn=2),
    "blocks alone": Blocks(2, near=0, global_blocks=0, drawn=3),
    "drawn far": Blocks(1, near=0, global_blocks=2, drawn=1),
}
MASKS = ("full", "padding", "table of keys", "nothing")
SHAPES = st.tuples(
    st.sampled_from([1, 2, 3]),  # b
    st.sampled_from([1, 2]),  # g
    st.sampled_from([1, 3]),  # queries heads of a group
    st.sampled_from([1, 2, 7, 31, 67, 101]),  # t
    st.sampled_from([1, 5, 32, 71, 103]),  # s
    st.integers(0, 99),
)


@dataclass(frozen=True)
class Case:
    backend: ByPattern
    q: Tensor
    k: Tensor
    v: Tensor
    mask: Mask
    start: int = 0

    @property
    def memory(self) -> KeyValues:
        return self.backend.prepare(self.k, self.v, mask=self.mask)

    def attend(self) -> Tensor:
        return self.backend.attend(self.q, self.memory, start=self.start)

    def weights(self) -> Tensor:
        return self.backend.weights(self.q, self.memory, start=self.start)

    @property
    def truth(self) -> tuple[Tensor, Tensor]:
        """Context and weights of the reference under the pattern's mask."""
        reference = Reference(self.backend.scale)
        memory = reference.prepare(self.k, self.v, mask=self.mask & Along(self.backend.pattern))
        found = (one(self.q, memory, start=self.start) for one in (reference.attend, reference.weights))
        return next(found), next(found)


def draw(drawn: tuple, pattern: Pattern, mask: str, dtype: torch.dtype = torch.float64) -> Case:
    b, g, share, t, s, seed = drawn
    random = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=random, dtype=torch.float64).to(dtype).requires_grad_()

    masks: dict[str, Mask] = {
        "full": Full(),
        "padding": Padding(torch.arange(s) < torch.randint(0, s + 1, (b, 1), generator=random)),
        "table of keys": Arbitrary(torch.rand(b, 1, 1, s, generator=random) < 0.7),
        "nothing": Padding(torch.zeros(b, s, dtype=torch.bool)),
    }
    return Case(
        ByPattern(None if seed % 3 else 0.3, pattern=pattern),
        normal(b, g * share, t, 11),
        normal(b, g, s, 11),
        normal(b, g, s, 13 if seed % 2 else 11),
        masks[mask],
        seed % 7 if seed % 5 == 0 else 0,
    )


def law(test):
    """Run over every pattern and mask, each with a few drawn shapes."""
    test = settings(max_examples=4)(given(drawn=SHAPES)(test))
    test = pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)(test)
    return pytest.mark.parametrize("mask", MASKS)(test)


@law
def test_it_is_dense_attention_under_the_mask_of_the_pattern(drawn, pattern, mask):
    case = draw(drawn, pattern, mask)
    context, weights = case.truth
    torch.testing.assert_close(case.attend(), context, atol=1e-12, rtol=1e-12)
    torch.testing.assert_close(case.weights(), weights, atol=1e-12, rtol=1e-12)


@law
def test_attend_is_weights_times_values_and_dead_rows_are_zero(drawn, pattern, mask):
    case = draw(drawn, pattern, mask)
    weights = case.weights()
    share = case.q.shape[1] // case.k.shape[1]
    torch.testing.assert_close(weights @ case.memory.v.repeat_interleave(share, 1), case.attend())
    dead = weights.sum(-1) == 0
    assert (case.attend()[dead] == 0).all()
    torch.testing.assert_close(weights.sum(-1), (~dead).double())


@law
def test_gradients_are_those_of_float64(drawn, pattern, mask):
    case = draw(drawn, pattern, mask)
    factor = torch.linspace(-1, 2, case.attend().numel(), dtype=torch.float64).view_as(case.attend())
    leaves = (case.q, case.k, case.v)
    ours, theirs = (
        torch.autograd.grad((found * factor).sum(), leaves, materialize_grads=True)
        for found in (case.attend(), case.truth[0])
    )
    for mine, wanted in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, wanted, atol=1e-11, rtol=1e-11)
    assert all(gradient.isfinite().all() for gradient in ours)


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_fewer_bits_answer_in_their_own(pattern, dtype):
    case = draw((2, 1, 3, 67, 67, 1), pattern, "padding", dtype)
    assert case.attend().dtype is dtype
    assert case.weights().dtype is torch.float32
    tolerance = 2e-5 if dtype is torch.float32 else 5e-2
    torch.testing.assert_close(case.attend(), case.truth[0], atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
def test_padding_never_leaks_and_more_of_it_changes_nothing(pattern):
    case = draw((3, 2, 1, 101, 101, 8), pattern, "padding")
    hidden = ~case.mask.key_keep()[:, None, :, None]
    dirty = replace(case, k=case.k.masked_fill(hidden, torch.nan), v=case.v.masked_fill(hidden, torch.inf))
    assert torch.equal(dirty.attend(), case.attend())
    assert torch.equal(dirty.weights(), case.weights())
    wide = replace(
        case,
        k=torch.nn.functional.pad(case.k, (0, 0, 0, 23), value=torch.nan),
        v=torch.nn.functional.pad(case.v, (0, 0, 0, 23), value=torch.nan),
        mask=Padding(torch.nn.functional.pad(case.mask.key_keep(), (0, 23))),
    )
    torch.testing.assert_close(wide.attend(), case.attend())


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
def test_batch_order_and_queries_one_by_one_change_nothing(pattern):
    case = draw((3, 1, 1, 31, 31, 4), pattern, "padding")
    rows = torch.tensor([2, 0, 0, 1])
    chosen = case.memory.select(rows)
    torch.testing.assert_close(case.backend.attend(case.q[rows], chosen), case.attend()[rows])
    single = [case.backend.attend(case.q[:, :, i : i + 1], case.memory, start=i) for i in range(31)]
    torch.testing.assert_close(torch.cat(single, 2), case.attend())


@pytest.mark.parametrize("pattern", [Around(101), Around(100, num_global=2), Blocks(7, near=14), Blocks(103, near=0)])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_pattern_that_reaches_everything_is_full_attention(pattern, dtype):
    case = draw((2, 2, 3, 101, 101, 1), pattern, "padding", dtype)
    full = Reference().prepare(case.k, case.v, mask=case.mask)
    assert torch.equal(case.weights(), Reference().weights(case.q, full))
    tolerance = 1e-13 if dtype is torch.float64 else 2e-6
    torch.testing.assert_close(case.attend(), Reference().attend(case.q, full), atol=tolerance, rtol=tolerance)


def test_few_stretches_at_a_time_are_all_at_once(monkeypatch):
    cases = [draw((2, 1, 3, 101, 101, 1), pattern, "padding") for pattern in PATTERNS.values()]
    at_once = [case.attend() for case in cases]
    monkeypatch.setattr(by_pattern, "_MANY_SCORES", 1)
    for case, wanted in zip(cases, at_once, strict=True):
        torch.testing.assert_close(case.attend(), wanted)


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
def test_keys_near_are_those_that_are_seen_each_once(pattern):
    first = torch.arange(0, 211, pattern.stretch)
    first = first[first >= pattern.num_global]
    for start, keys in zip(first.tolist(), pattern.keys_near(first), strict=True):
        listed = keys[(keys >= 0) & (keys < 211)].tolist()
        assert len(set(listed)) == len(listed)
        queries = torch.arange(start, start + pattern.stretch)
        seen = Along(pattern).dense(queries, torch.arange(211))[0, 0].any(0).nonzero()[:, 0]
        assert set(seen.tolist()) <= set(listed)


def test_what_is_drawn_lies_before_and_depends_on_the_place_alone():
    pattern = Blocks(1, near=1, global_blocks=2, drawn=3)
    seen = Along(pattern).dense(torch.arange(300), torch.arange(300))[0, 0]
    for block in range(6, 300):
        far = seen[block, 2 : block - 1].sum()
        assert 1 <= far <= 3
        assert not seen[block, block + 2 :].any()
    columns = [seen[block, 2 : block - 1].nonzero()[:, 0] / (block - 3) for block in range(50, 300)]
    assert 0.4 < torch.cat(columns).mean() < 0.6  # from anywhere before


def test_single_places_of_the_mask_are_those_of_the_table():
    random = torch.Generator().manual_seed(3)
    query, key = (torch.randint(0, 67, (50,), generator=random) for _ in range(2))
    for pattern in PATTERNS.values():
        mask = Along(pattern)
        dense = mask.dense(torch.arange(5, 72), torch.arange(67))[0, 0]
        assert torch.equal(mask.at(Links(query * 0, query, key, start=5)), dense[query, key])
        assert not mask.same_for_all_queries()


@pytest.mark.parametrize(("t", "s"), [(0, 7), (5, 0), (0, 0), (1, 1)])
@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
def test_no_queries_no_keys_and_single_ones(pattern, t, s):
    case = draw((2, 1, 3, t, s, 1), pattern, "full")
    assert case.attend().shape == (2, 3, t, 13)
    assert case.weights().shape == (2, 3, t, s)
    if s == 0:
        assert (case.attend() == 0).all()


def test_dropout_falls_on_the_weights_and_is_not_reported():
    case = draw((2, 1, 1, 67, 67, 1), Around(5, num_global=2), "full")
    torch.default_generator.manual_seed(3)
    dropped = [case.backend.attend(case.q.detach(), case.memory, dropout=0.5) for _ in range(400)]
    torch.testing.assert_close(torch.stack(dropped).mean(0), case.attend(), atol=0.5, rtol=0)
    assert not torch.equal(dropped[0], dropped[1])


def test_a_record_is_asked_of_the_keys_that_were_seen():
    case = draw((2, 1, 3, 67, 67, 1), Around(3, num_global=2), "padding")
    record = Record(["encoder.0.self"])
    record.note(Observation("encoder.0.self", case.q, case.memory, case.backend))
    found, weights = record.at("encoder.0.self")[0], case.truth[1]
    torch.testing.assert_close(found.coverage(), weights.sum(2))
    entropy = torch.special.entr(weights).sum(-1)
    torch.testing.assert_close(found.entropy(), entropy)


@pytest.mark.parametrize("mask", [Causal(), Arbitrary(torch.ones(1, 1, 5, 7, dtype=torch.bool))])
def test_masks_of_single_queries_and_biases_are_refused_before_any_work(mask):
    backend, k = ByPattern(pattern=Around(2)), torch.zeros(1, 1, 7, 3)
    with pytest.raises(UnsupportedError, match="by pattern back end does not support arbitrary_mask"):
        backend.prepare(k, k, mask=mask)
    with pytest.raises(UnsupportedError, match="arbitrary_mask"):
        backend.attend(torch.zeros(1, 1, 5, 3), KeyValues(k, k, mask))
    with pytest.raises(UnsupportedError, match="by pattern back end does not support bias"):
        backend.prepare(k, k, bias=torch.zeros(1, 1, 5, 7))
    with pytest.raises(ShapeError, match="queries must be"):
        backend.attend(torch.zeros(1, 1, 5, 4), backend.prepare(k, k))


def test_patterns_of_nothing_are_refused():
    with pytest.raises(ConfigError, match="a window wants a width and global tokens of at least 0, got -1 and 0"):
        Around(-1)
    with pytest.raises(ConfigError, match=r"blocks want a size of at least 1, and near, .* got 0, 1, 1 and 1"):
        Blocks(0)
