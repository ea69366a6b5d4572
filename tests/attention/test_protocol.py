"""What the seam refuses, with its message; scale, dropout, and how much is formed when little is asked for."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from weft.attention import Arbitrary, Causal, Feature, Fused, KeyValues, Mask, Padding, Reference, Window
from weft.attention.protocol import require
from weft.base.errors import ShapeError, UnsupportedError

BACKENDS = [Reference, Fused]
B, H, G, T, S, K, E = 2, 6, 3, 5, 7, 11, 13


def problem(seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    torch.default_generator.manual_seed(seed)
    return torch.randn(B, H, T, K), torch.randn(B, G, S, K), torch.randn(B, G, S, E)


@pytest.mark.parametrize("backend", BACKENDS)
def test_scale_is_one_over_the_root_of_the_key_width_unless_said(backend):
    q, k, v = problem()
    by_hand = (q @ k.repeat_interleave(2, 1).transpose(2, 3)).double()
    for scale, factor in ((None, K**-0.5), (0.7, 0.7), (0.0, 0.0)):
        one = backend(scale)
        memory = one.prepare(k, v, mask=None)
        wanted = (factor * by_hand).softmax(-1)
        torch.testing.assert_close(one.weights(q, memory).double(), wanted, atol=1e-6, rtol=0)
        context = wanted @ v.repeat_interleave(2, 1).double()
        torch.testing.assert_close(one.attend(q, memory).double(), context, atol=1e-5, rtol=0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_bias_is_added_to_the_scaled_scores(backend):
    q, k, v = problem()
    bias = torch.randn(1, H, 1, S)
    weights = backend().weights(q, backend().prepare(k, v, bias=bias))
    plain = backend().weights(q, backend().prepare(k, v))
    torch.testing.assert_close(weights, (plain.log() + bias).softmax(-1))


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_lowest_finite_bias_is_a_number_like_any_other(backend):
    """Where every allowed key has it, the row is alive: uniform over those keys, with nothing on the hidden ones."""
    q, k, v = problem()
    bias = torch.full((1, 1, 1, S), torch.finfo(torch.float32).min)
    keep = torch.arange(S) < 4
    weights = backend().weights(q, backend().prepare(k, v, mask=Padding(keep.expand(B, S)), bias=bias))
    torch.testing.assert_close(weights, (keep / 4.0).expand(B, H, T, S))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("mask", [None, Padding(torch.arange(S).expand(B, S) < 5)], ids=["full", "padding"])
def test_dropout_is_right_on_average_and_weights_do_not_know_it(backend, mask):
    q, k, v = problem()
    q = q[:, :, :1].expand(-1, -1, 4000, -1)  # the same query many times, each with its own draw
    memory = backend().prepare(k, v, mask=mask)
    weights, context = backend().weights(q, memory), backend().attend(q, memory)
    draws = backend().attend(q, memory, dropout=0.3)
    assert draws.std(2).max() > 0.1
    error = draws.mean(2) - context.mean(2)
    assert error.abs().max() < 0.1
    assert error.mean().abs() < 0.003
    assert torch.equal(backend().weights(q, memory), weights)


@pytest.mark.parametrize("backend", BACKENDS)
def test_dropout_leaves_dead_rows_at_zero(backend):
    q, k, v = problem()
    memory = backend().prepare(k, v, mask=Padding(torch.zeros(B, S, dtype=torch.bool)))
    assert (backend().attend(q, memory, dropout=0.5) == 0).all()


def test_memory_is_a_value():
    _, k, v = problem()
    bias, mask = torch.randn(B, 1, 1, S), Padding(torch.rand(B, S) < 0.5)
    rows = torch.tensor([1])
    chosen = KeyValues(k, v, mask, bias).select(rows)
    assert torch.equal(chosen.k, k[rows])
    assert torch.equal(chosen.v, v[rows])
    assert torch.equal(chosen.bias, bias[rows])
    assert torch.equal(chosen.mask.key_keep(), mask.keep[rows])
    assert KeyValues(k, v, mask, bias[:1]).select(torch.tensor([1, 0, 1])).bias.shape[0] == 1
    assert KeyValues(k, v).select(rows).bias is None
    assert KeyValues(k, v, mask).with_mask(Causal()).mask == Causal()


class Largest(TorchDispatchMode):
    """The number of elements of the largest tensor that any operation hands back as new memory."""

    def __init__(self) -> None:
        super().__init__()
        self.elements = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        inputs = {x.untyped_storage().data_ptr() for x in args if isinstance(x, Tensor)}
        out = func(*args, **(kwargs or {}))
        for x in out if isinstance(out, tuple | list) else [out]:
            if isinstance(x, Tensor) and x.untyped_storage().data_ptr() not in inputs:
                self.elements = max(self.elements, x.numel())
        return out


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("mask", ["none", "padding", "causal", "window", "arbitrary"])
def test_weights_form_no_more_than_is_asked_for(backend, dtype, mask):
    b, h, t, s, k = 2, 8, 64, 509, 16
    masks: dict[str, Mask | None] = {
        "none": None,
        "padding": Padding(torch.arange(s).expand(b, s) < 400),
        "causal": Causal(),
        "window": Causal() & Window(31),
        "arbitrary": Arbitrary(torch.rand(b, h, t, s) < 0.5),
    }
    q, keys = torch.randn(b, h, t, k, dtype=dtype), torch.randn(b, h, s, k, dtype=dtype)
    memory = backend().prepare(keys, keys, mask=masks[mask])
    for heads, rows in (([3], None), ([3], [5, 0]), (None, [63])):
        with Largest() as largest:
            weights = backend().weights(q, memory, heads=heads, rows=rows)
        # The weights themselves, or a copy of the keys of the chosen heads, whichever is more.
        num_heads = h if heads is None else len(heads)
        assert largest.elements <= max(weights.numel(), b * num_heads * s * k), (heads, rows)
    with Largest() as largest:
        backend().weights(q, memory, heads=[3], rows=list(range(40)))
    assert largest.elements == b * 40 * s


def test_attending_without_a_mask_forms_no_weights():
    q = torch.randn(1, 2, 256, 16)
    with torch.no_grad(), Largest() as largest:
        Fused().attend(q, Fused().prepare(q, q))
    assert largest.elements == q.numel()


def bad_keys(**change: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    shapes = {"k": (B, G, S, K), "v": (B, G, S, E)} | change
    return torch.zeros(shapes["k"]), torch.zeros(shapes["v"])


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("keys", "mask", "message"),
    [
        (bad_keys(v=(B, G, 9, E)), None, r"must agree in b, g, s; got \[2, 3, 7, 11\], \[2, 3, 9, 13\]"),
        (bad_keys(v=(B, 1, S, E)), None, r"must agree in b, g, s; got \[2, 3, 7, 11\], \[2, 1, 7, 13\]"),
        (bad_keys(k=(B, S, K)), None, r"keys \[b g s k\] and values \[b g s e\] must agree"),
        (
            bad_keys(),
            Padding(torch.ones(B, 9, dtype=torch.bool)),
            r"keep must be \[b s\] = \[2, 7\], got \[2, 9\]; pad source and mask together",
        ),
        (bad_keys(), Padding(torch.ones(3, S, dtype=torch.bool)), r"\[b s\] = \[2, 7\], got \[3, 7\]"),
        (
            bad_keys(),
            Padding(torch.ones(B, S, dtype=torch.bool)) & Padding(torch.ones(B, 9, dtype=torch.bool)),
            r"\[b s\] = \[2, 7\], got \[2, 9\]",
        ),
        (
            bad_keys(),
            Arbitrary(torch.ones(B, 1, 1, 9, dtype=torch.bool)),
            r"allowed must be \[b\|1 h\|1 t\|1 s\] = \[2, h, t, 7\], got \[2, 1, 1, 9\]",
        ),
    ],
)
def test_prepare_refuses(backend, keys, mask, message):
    with pytest.raises(ShapeError, match=message):
        backend().prepare(*keys, mask=mask)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("bias", "message"),
    [
        ((1, 1, T, 1), r"bias must be \[b\|1 h\|1 t\|1 s\] = \[2, h, t, 7\], got \[1, 1, 5, 1\]; give one row a query"),
        ((3, H, T, S), r"= \[2, h, t, 7\], got \[3, 6, 5, 7\]"),
        ((T, S), r"= \[2, h, t, 7\], got \[5, 7\]"),
    ],
)
def test_prepare_refuses_a_bias_for_other_sources(backend, bias, message):
    with pytest.raises(ShapeError, match=message):
        backend().prepare(*bad_keys(), bias=torch.zeros(bias))


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("verb", ["attend", "weights"])
@pytest.mark.parametrize(
    ("query", "mask", "bias", "message"),
    [
        ((3, H, T, K), None, None, r"with b = 2, k = 11 and h a multiple of g = 3; got \[3, 6, 5, 11\]"),
        ((B, H, T, 8), None, None, r"queries must be \[b h t k\] .*; got \[2, 6, 5, 8\]"),
        ((B, 4, T, K), None, None, r"h a multiple of g = 3; got \[2, 4, 5, 11\]"),
        ((B, T, K), None, None, r"queries must be \[b h t k\] .*; got \[2, 5, 11\]"),
        ((B, H, T, K), (1, 1, 4, S), None, r"= \[2, 6, 5, 7\], got \[1, 1, 4, 7\]; give one row a query, or one for"),
        ((B, H, T, K), (1, 3, T, S), None, r"allowed must be .* = \[2, 6, 5, 7\], got \[1, 3, 5, 7\]"),
        ((B, H, T, K), None, (1, 1, 4, S), r"bias must be \[b\|1 h\|1 t\|1 s\] = \[2, 6, 5, 7\], got \[1, 1, 4, 7\]"),
        ((B, H, T, K), None, (1, G, T, S), r"bias must be .* = \[2, 6, 5, 7\], got \[1, 3, 5, 7\]"),
    ],
)
def test_queries_that_do_not_fit_are_refused(backend, verb, query, mask, bias, message):
    _, k, v = problem()
    table = None if mask is None else Arbitrary(torch.ones(mask, dtype=torch.bool))
    memory = backend().prepare(k, v, mask=table, bias=None if bias is None else torch.zeros(bias))
    with pytest.raises(ShapeError, match=message):
        getattr(backend(), verb)(torch.zeros(query), memory)


def test_what_a_back_end_does_not_declare_is_refused_before_any_work():
    with pytest.raises(UnsupportedError, match="the linear back end does not support bias, groups; use the reference"):
        require(
            frozenset({Feature.DROPOUT}),
            {Feature.BIAS: True, Feature.DROPOUT: True, Feature.GROUPS: True, Feature.ARBITRARY_MASK: False},
            "linear",
        )
    require(Fused.supports, dict.fromkeys(Feature, True), "fused")


@pytest.mark.parametrize("num_groups", [2, 6])
@pytest.mark.parametrize("start", [0, 2])
@pytest.mark.parametrize("biased", [False, True])
def test_square_causal_attention_starts_where_it_is_told(num_groups, start, biased):
    """The kernel has a short cut for causal squares, which is right at position 0 alone."""
    torch.default_generator.manual_seed(4)
    q, k = torch.randn(B, H, T, K), torch.randn(B, num_groups, T, K)
    memory = Fused().prepare(k, k, mask=Causal(), bias=torch.randn(1, H, 1, T) if biased else None)
    wanted = Fused().weights(q, memory, start=start) @ k.repeat_interleave(H // num_groups, 1)
    torch.testing.assert_close(Fused().attend(q, memory, start=start), wanted)
    torch.testing.assert_close(Reference().attend(q, memory, start=start), wanted)
