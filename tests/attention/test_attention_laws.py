"""The laws of attention, over every back end, dtype and mask, with shapes drawn by hypothesis."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.attention.back_ends import BACKENDS, KINDS, WITHOUT_PLACES
from torch import Tensor

from weft.attention import Arbitrary, Backend, Causal, Feature, Full, Fused, KeyValues, Mask, Padding, Reference, Window

DTYPES = [torch.float64, torch.float32, torch.bfloat16]
TOLERANCE = {torch.float64: 1e-12, torch.float32: 2e-5, torch.bfloat16: 5e-2}
MASKS: dict[str, Callable[[int, int, int, int], Mask]] = {
    "full": lambda b, h, t, s: Full(),
    "padding": lambda b, h, t, s: Padding(_lengths(b, s)),
    "causal": lambda b, h, t, s: Causal(),
    "window": lambda b, h, t, s: Window(1, 2),
    "narrow": lambda b, h, t, s: Window(0),
    "arbitrary": lambda b, h, t, s: Arbitrary(torch.rand(b, h, t, s) < 0.6),
    "arbitrary-broadcast": lambda b, h, t, s: Arbitrary(torch.rand(1, 1, t, s) < 0.4),
    "padding&causal": lambda b, h, t, s: Padding(_lengths(b, s)) & Causal(),
    "causal&padding&window": lambda b, h, t, s: Causal() & Padding(_lengths(b, s)) & Window(2),
    "padding&arbitrary": lambda b, h, t, s: Padding(_lengths(b, s)) & Arbitrary(torch.rand(b, 1, 1, s) < 0.7),
    "nothing": lambda b, h, t, s: Padding(torch.zeros(b, s, dtype=torch.bool)),
}


OF_KEYS = ("full", "padding", "padding&arbitrary", "nothing")
"""Masks of which every query of every head has the same."""


def _lengths(b: int, s: int) -> Tensor:
    """Rows of random real lengths, 0 among them."""
    return torch.arange(s) < torch.randint(0, s + 1, (b, 1))


@dataclass(frozen=True)
class Case:
    """One drawn problem; `live` is the dense truth of who may attend to whom, `[b h t s]`."""

    backend: Backend
    q: Tensor
    k: Tensor
    v: Tensor
    mask: Mask
    bias: Tensor | None
    start: int

    @property
    def memory(self) -> KeyValues:
        return self.backend.prepare(self.k, self.v, mask=self.mask, bias=self.bias)

    @property
    def live(self) -> Tensor:
        b, h, t, _ = self.q.shape
        s = self.k.shape[2]
        dense = self.mask.dense(torch.arange(self.start, self.start + t), torch.arange(s)).expand(b, h, t, s)
        return dense if self.bias is None else dense & (self.bias > -torch.inf)

    @property
    def tolerance(self) -> float:
        return TOLERANCE[self.q.dtype]

    def attend(self) -> Tensor:
        return self.backend.attend(self.q, self.memory, start=self.start)

    def weights(self) -> Tensor:
        return self.backend.weights(self.q, self.memory, start=self.start)

    @property
    def without_gradients(self) -> Case:
        """The same case as inference sees it; a back end may take another path then."""
        return replace(self, q=self.q.detach(), k=self.k.detach(), v=self.v.detach())

    def leaves(self) -> list[Tensor]:
        return [x for x in (self.q, self.k, self.v, self.bias) if x is not None]

    def gradients(self) -> tuple[Tensor, ...]:
        """Of a loss that weighs every entry of the context differently, with respect to all `leaves`."""
        context = self.attend().double()
        loss = (context * torch.linspace(-1, 2, max(1, context.numel()))[: context.numel()].view_as(context)).sum()
        return torch.autograd.grad(loss, self.leaves(), materialize_grads=True)


SIZES = st.sampled_from([1, 2, 3, 5, 7])
SHAPES = st.tuples(st.sampled_from([1, 2, 3]), st.sampled_from([1, 3]), st.sampled_from([1, 2]), SIZES, SIZES, SIZES)
SHAPES = st.tuples(SHAPES, st.sampled_from([2, 5, 8]), st.sampled_from(["none", "bias", "-inf"]), st.integers(0, 99))


def draw(drawn: tuple, make: Callable[..., Backend], dtype: torch.dtype, mask: str) -> Case:
    (b, g, share, t, s, e), k, bias, seed = drawn
    torch.default_generator.manual_seed(seed)
    h = g * share
    backend = make(scale=None if seed % 3 else 0.3)
    bias = bias if Feature.BIAS in backend.supports else "none"
    if mask not in OF_KEYS and Feature.ARBITRARY_MASK not in backend.supports:
        pytest.skip("reads a summary of keys, the same for every query")
    table = None
    if bias != "none":
        table = torch.randn(*((b, h, t, s) if seed % 2 else (1, h, 1, s)))
        table = table if bias == "bias" else table.masked_fill(torch.rand_like(table) < 0.4, -torch.inf)
        table = table.to(dtype).requires_grad_()
    return Case(
        backend,
        torch.randn(b, h, t, k).to(dtype).requires_grad_(),
        torch.randn(b, g, s, k).to(dtype).requires_grad_(),
        torch.randn(b, g, s, e if seed % 2 else k).to(dtype).requires_grad_(),
        MASKS[mask](b, h, t, s),
        table,
        seed % 4 if seed % 5 == 0 else 0,
    )


def close(actual: Tensor, wanted: Tensor, tolerance: float) -> None:
    torch.testing.assert_close(actual.double(), wanted.double(), atol=tolerance, rtol=tolerance)


def law(test: Callable[..., None], masks: Iterable[str] = MASKS) -> Callable[..., None]:
    """Run over every back end x dtype x mask, each with a few drawn shapes."""
    test = settings(max_examples=3)(given(drawn=SHAPES)(test))
    pairs = [pytest.param(BACKENDS[name], dtype, id=f"{name}-{dtype}") for name, dtype in KINDS]
    test = pytest.mark.parametrize(("backend", "dtype"), pairs)(test)
    return pytest.mark.parametrize("mask", masks)(test)


@law
def test_attend_is_weights_times_values(drawn, backend, dtype, mask):
    case = draw(drawn, backend, dtype, mask)
    share = case.q.shape[1] // case.k.shape[1]
    wanted = case.weights() @ case.memory.v.repeat_interleave(share, 1).to(case.weights().dtype)
    assert case.attend().dtype is dtype
    assert case.weights().dtype is torch.promote_types(dtype, torch.float32)
    close(case.attend(), wanted, case.tolerance)
    close(case.without_gradients.attend(), wanted, case.tolerance)


@law
def test_rows_sum_to_one_or_are_exactly_zero(drawn, backend, dtype, mask):
    case = draw(drawn, backend, dtype, mask)
    weights, alive = case.weights(), case.live.any(-1)
    close(weights.sum(-1), alive.double(), 1e-5)
    assert (weights >= 0).all()
    assert (weights[~case.live] == 0).all()
    assert (weights[~alive] == 0).all()
    assert (case.attend()[~alive] == 0).all()
    assert (case.without_gradients.attend()[~alive] == 0).all()


@law
def test_gradients_are_finite_and_dead_rows_give_none(drawn, backend, dtype, mask):
    case = draw(drawn, backend, dtype, mask)
    gradients = case.gradients()
    assert all(gradient.isfinite().all() for gradient in gradients)
    dead = ~case.live.any(-1)
    assert (gradients[0][dead] == 0).all()
    (by_weights,) = torch.autograd.grad(case.weights().square().sum(), case.q)
    assert by_weights.isfinite().all()
    assert (by_weights[dead] == 0).all()


@partial(law, masks=[name for name in MASKS if "padding" in name or "arbitrary" in name or name == "nothing"])
def test_padding_never_leaks_even_nan_and_inf(drawn, backend, dtype, mask):
    case = draw(drawn, backend, dtype, mask)
    hidden = ~case.mask.key_keep().expand(len(case.k), -1)[:, None, :, None].expand(-1, case.k.shape[1], -1, 1)
    junk = torch.tensor([torch.nan, torch.inf, -torch.inf]).repeat(case.k.shape[2])[: case.k.shape[2], None].to(dtype)
    dirty = replace(
        case,
        k=torch.where(hidden, junk, case.k).detach().requires_grad_(),
        v=torch.where(hidden, junk, case.v).detach().requires_grad_(),
    )
    assert torch.equal(dirty.attend(), case.attend())
    assert torch.equal(dirty.without_gradients.attend(), case.without_gradients.attend())
    assert torch.equal(dirty.weights(), case.weights())
    for ours, theirs in zip(dirty.gradients(), case.gradients(), strict=True):
        assert torch.equal(ours, theirs)
    assert (dirty.gradients()[1].masked_select(hidden) == 0).all()


@law
def test_more_padding_changes_nothing(drawn, backend, dtype, mask):
    case = draw(drawn, backend, dtype, mask)
    b, g, s, _ = case.k.shape
    junk = torch.full((b, g, 3, 1), torch.nan, dtype=dtype)
    longer = Padding((torch.arange(s + 3) < s).expand(b, -1))
    wide = replace(
        case,
        k=torch.cat((case.k, junk.expand(-1, -1, -1, case.k.shape[3])), 2),
        v=torch.cat((case.v, junk.expand(-1, -1, -1, case.v.shape[3])), 2),
        bias=None if case.bias is None else torch.nn.functional.pad(case.bias, (0, 3)),
        mask=_widened(case.mask) & longer,
    )
    close(wide.attend(), case.attend(), case.tolerance)
    close(wide.without_gradients.attend(), case.without_gradients.attend(), case.tolerance)
    close(wide.weights()[..., :s], case.weights(), case.tolerance)
    assert (wide.weights()[..., s:] == 0).all()


def _widened(mask: Mask) -> Mask:
    """The same mask for three columns more, which it allows."""
    match mask:
        case Padding(keep):
            return Padding(torch.nn.functional.pad(keep, (0, 3), value=True))
        case Arbitrary(allowed):
            return Arbitrary(torch.nn.functional.pad(allowed, (0, 3), value=True))
        case Full() | Causal() | Window():
            return mask
        case _:
            return _widened(mask.left) & _widened(mask.right)


@law
def test_batch_order_commutes(drawn, backend, dtype, mask):
    case = draw(drawn, backend, dtype, mask)
    rows = torch.randint(0, len(case.q), (len(case.q) + 1,))
    chosen = case.memory.select(rows)
    close(case.backend.attend(case.q[rows], chosen, start=case.start), case.attend()[rows], case.tolerance)
    close(case.backend.weights(case.q[rows], chosen, start=case.start), case.weights()[rows], case.tolerance)


@law
def test_shared_heads_are_repeated_heads(drawn, backend, dtype, mask):
    case = draw(drawn, backend, dtype, mask)
    share = case.q.shape[1] // case.k.shape[1]
    plain = replace(case, k=case.k.repeat_interleave(share, 1), v=case.v.repeat_interleave(share, 1))
    close(case.attend(), plain.attend(), case.tolerance)
    close(case.weights(), plain.weights(), case.tolerance)


@law
def test_chosen_heads_and_rows_are_a_slice_of_all(drawn, backend, dtype, mask):
    case = draw(drawn, backend, dtype, mask)
    heads, rows = [case.q.shape[1] - 1, 0], list(range(case.q.shape[2] - 1, -1, -2))
    ask = {"start": case.start}
    close(case.backend.weights(case.q, case.memory, heads=heads, **ask), case.weights()[:, heads], 1e-6)
    close(case.backend.weights(case.q, case.memory, rows=rows, **ask), case.weights()[:, :, rows], 1e-6)
    both = case.backend.weights(case.q, case.memory, heads=heads, rows=rows, **ask)
    close(both, case.weights()[:, heads][:, :, rows], 1e-6)


@law
def test_queries_one_by_one_are_queries_at_once(drawn, backend, dtype, mask):
    case = draw(drawn, backend, dtype, mask)
    if not case.backend.exact and "arbitrary" in mask:
        pytest.skip("a memory made with the mask of one query alone knows of fewer keys, and may be read otherwise")
    contexts = []
    for row in range(case.q.shape[2]):
        one = case.mask.cut(heads=None, rows=[row], keys=slice(None))
        bias = case.bias if case.bias is None or case.bias.shape[2] == 1 else case.bias[:, :, row : row + 1]
        memory = case.backend.prepare(case.k, case.v, mask=one, bias=bias)
        contexts.append(case.backend.attend(case.q[:, :, row : row + 1], memory, start=case.start + row))
    close(torch.cat(contexts, 2), case.attend(), case.tolerance)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("mask", MASKS)
@settings(max_examples=6)
@given(drawn=SHAPES)
def test_fused_is_reference_gradients_included(drawn, dtype, mask):
    fused = draw(drawn, Fused, dtype, mask)
    truth = replace(fused, backend=Reference(fused.backend.scale))
    close(fused.attend(), truth.attend(), fused.tolerance)
    close(fused.weights(), truth.weights(), 0.0)
    for ours, theirs in zip(fused.gradients(), truth.gradients(), strict=True):
        close(ours, theirs, 4 * fused.tolerance)


@pytest.mark.parametrize("backend", BACKENDS.values(), ids=BACKENDS)
@pytest.mark.parametrize("mask", ["full", "padding", "causal", "padding&causal", "arbitrary", "nothing"])
@pytest.mark.parametrize("bias", ["none", "bias", "-inf"])
def test_gradcheck(backend, mask, bias):
    case = draw(((2, 1, 3, 2, 3, 2), 2, bias, 7), backend, torch.float64, mask)

    def context_and_weights(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None) -> tuple[Tensor, Tensor]:
        other = replace(case, q=q, k=k, v=v)
        hidden = None if case.bias is None else torch.where(case.bias.isfinite(), bias, -torch.inf)
        other = replace(other, bias=hidden)
        return other.attend(), other.weights()

    leaves = [case.q, case.k, case.v]
    if case.bias is not None:
        leaves.append(case.bias.detach().nan_to_num(neginf=0.0).requires_grad_())
    assert torch.autograd.gradcheck(context_and_weights, leaves, fast_mode=True)


@pytest.mark.parametrize("backend", [BACKENDS[name] for name in WITHOUT_PLACES], ids=WITHOUT_PLACES)
@pytest.mark.parametrize("mask", ["full", "padding", "arbitrary"])
def test_a_permuted_source_permutes_the_weights(backend, mask):
    case = draw(((2, 3, 1, 5, 7, 2), 5, "none", 11), backend, torch.float64, mask)
    order = torch.randperm(7)
    match case.mask:
        case Padding(keep):
            shuffled = Padding(keep[:, order])
        case Arbitrary(allowed):
            shuffled = Arbitrary(allowed[..., order])
        case _:
            shuffled = case.mask
    other = replace(case, k=case.k[:, :, order], v=case.v[:, :, order], mask=shuffled)
    close(other.weights(), case.weights()[..., order], 1e-12)
    close(other.attend(), case.attend(), 1e-12)


@pytest.mark.parametrize(("backend", "dtype"), [(BACKENDS[name], dtype) for name, dtype in KINDS])
@pytest.mark.parametrize("mask", MASKS)
def test_no_queries_no_keys_and_single_ones(backend, dtype, mask):
    sizes = [(0, 7), (5, 0), (0, 0), (1, 1), (1, 7), (5, 1)]
    for (t, s), share, bias in itertools.product(sizes, [1, 3], ["none", "bias"]):
        case = draw(((2, 2, share, t, s, 3), 5, bias, 1), backend, dtype, mask)
        assert case.attend().shape == (2, 2 * share, t, 3)
        assert case.weights().shape == (2, 2 * share, t, s)
        assert all(gradient.isfinite().all() for gradient in case.gradients())
        assert case.without_gradients.attend().shape == (2, 2 * share, t, 3)
        if s == 0:
            assert (case.attend() == 0).all()
            assert (case.without_gradients.attend() == 0).all()


@pytest.mark.parametrize(("backend", "dtype"), [(BACKENDS[name], dtype) for name, dtype in KINDS])
def test_an_empty_batch_has_an_empty_answer(backend, dtype):
    case = draw(((0, 2, 2, 3, 5, 3), 5, "none", 1), backend, dtype, "padding")
    assert case.attend().shape == (0, 4, 3, 3)


@pytest.mark.parametrize("mask", MASKS)
def test_long_low_precision_sequences_train_as_short_ones_do(mask):
    """A back end may change its path with the size; 300 x 300 scores lie beyond where the fused one does on a CPU."""
    case = draw(((1, 1, 1, 300, 300, 5), 8, "none", 7), Fused, torch.bfloat16, mask)
    truth = replace(case, backend=Reference(case.backend.scale))
    close(case.attend(), truth.attend(), case.tolerance)
    for ours, theirs in zip(case.gradients(), truth.gradients(), strict=True):
        assert ours.isfinite().all()
        assert (ours.double() - theirs.double()).norm() <= 0.05 * theirs.double().norm() + 1e-9
