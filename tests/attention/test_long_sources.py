"""What each way of reading a long source does beside the laws: memory, what it counts, and what it refuses."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from allocated import peak_bytes
from weft.attention import Arbitrary, Causal, Chunked, Fused, Moving, Observation, Padding, Reference, TopK
from weft.attention.features import Favor, directions
from weft.attention.linear import Linear, Summary
from weft.attention.merging import Part, mass
from weft.attention.pooled import Pooled
from weft.base.errors import ConfigError, UnsupportedError

B, H, G, T, S, K, E = 2, 6, 3, 5, 37, 11, 13


def problem(s: int = S, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
    random = torch.Generator().manual_seed(5)
    sizes = ((H, T, K), (G, s, K), (G, s, E))
    q, k, v = (torch.randn(B, *size, generator=random, dtype=dtype) for size in sizes)
    return q, k, v


def part(scores: Tensor, v: Tensor) -> Part:
    log_sum = scores.logsumexp(-1)
    return Part(torch.softmax(scores, -1).nan_to_num() @ v, log_sum)


def test_parts_of_a_source_are_the_whole_and_know_their_mass():
    scores, v = torch.randn(B, H, T, S, dtype=torch.float64), torch.randn(B, H, S, E, dtype=torch.float64)
    first, second = part(scores[..., :7], v[:, :, :7]), part(scores[..., 7:], v[:, :, 7:])
    whole, both = part(scores, v), first.with_(second)
    torch.testing.assert_close(both.context, whole.context)
    torch.testing.assert_close(both.log_sum, whole.log_sum)
    wanted = scores.softmax(-1)[..., :7].sum(-1)
    torch.testing.assert_close(mass(first.log_sum, both.log_sum), wanted)


def test_parts_of_nothing_are_nothing_with_finite_gradients():
    hidden = torch.full((1, 1, 1), -torch.inf, dtype=torch.float64, requires_grad=True)
    nothing = Part(torch.zeros(1, 1, 1, 2, dtype=torch.float64), hidden)
    both = nothing.with_(nothing)
    assert both.log_sum.item() == -torch.inf
    assert (both.context == 0).all()
    (gradient,) = torch.autograd.grad(both.context.sum(), hidden)
    assert gradient.isfinite().all()


@pytest.mark.parametrize("numbers", ["float32", "bfloat16", "int8"])
@torch.inference_mode()
def test_memory_of_a_step_is_that_of_a_chunk(numbers):
    s, chunk, width = 8191, 509, 64
    random = torch.Generator().manual_seed(1)
    q, k = torch.randn(1, 2, 1, width, generator=random), torch.randn(1, 2, s, width, generator=random)
    backend = Chunked(chunk=chunk, numbers=numbers)
    memory = backend.prepare(k, k, mask=Padding(torch.arange(s)[None] < s - 3))
    of_chunk = 2 * chunk * width * 4  # keys as float32
    assert peak_bytes(lambda: backend.attend(q, memory)) <= 6 * of_chunk < 2 * s * width * 4


@pytest.mark.parametrize(("numbers", "bits", "most"), [("bfloat16", 16, 0.02), ("int8", 8, 0.03)])
def test_fewer_bits_take_less_and_err_little(numbers, bits, most):
    q, k, v = problem(509, torch.float32)
    backend = Chunked(chunk=100, numbers=numbers)
    memory = backend.prepare(k, v)
    assert memory.k.element_size() == bits // 8
    wanted = Reference().attend(q, Reference().prepare(k, v))
    assert 0 < (backend.attend(q, memory) - wanted).abs().max() < most
    rows = torch.tensor([1])
    one = backend.attend(q[rows], memory.select(rows))
    torch.testing.assert_close(one, backend.attend(q, memory)[rows])


def test_readings_and_other_back_ends_understand_fewer_bits():
    q, k, v = problem(61, torch.float32)
    counted = Chunked(numbers="int8").prepare(k, v)
    plain = Fused().prepare(counted.keys_of(slice(None)), counted.values_of(slice(None)))
    torch.testing.assert_close(Fused().attend(q, counted), Fused().attend(q, plain))
    for backend in (Chunked(), Fused()):
        ours, theirs = (Observation("a", q, memory, backend) for memory in (counted, plain))
        torch.testing.assert_close(ours.weights(), theirs.weights())
        torch.testing.assert_close(ours.top(3).probability, theirs.top(3).probability)
        torch.testing.assert_close(ours.entropy([1]), theirs.entropy([1]))
        torch.testing.assert_close(ours.coverage([1]), theirs.coverage([1]))
        edges = torch.tensor([[0, 1, 2], [1, 4, 60]])
        torch.testing.assert_close(ours.log_weights_at(edges, head=3), theirs.log_weights_at(edges, head=3))


def test_top_k_knows_what_it_left_out():
    q, k, v = problem()
    backend = TopK(num=5)
    memory = backend.prepare(k, v)
    backend.attend(q, memory)
    best = Reference().weights(q, memory).topk(5, -1).values.sum(-1)
    assert backend.tally.left_out == pytest.approx(float((1 - best).max()))
    assert backend.tally.keys == B * H * T * 5


def test_top_k_of_every_key_is_softmax():
    q, k, v = problem()
    memory = TopK().prepare(k, v, mask=Causal())
    torch.testing.assert_close(TopK().attend(q, memory, start=2), Reference().attend(q, memory, start=2))


def test_a_window_goes_where_its_head_looks():
    q, k, v = problem(509)
    k[:, 1, 200:204] += 9 * q[:, 2, 3, None]  # head 2 reads the second of three key heads
    moving = Moving(width=8, head=2)
    weights = moving.weights(q, moving.prepare(k, v), rows=[3])
    seen = (weights > 0).any(1)[:, 0].nonzero()[:, 1]
    assert seen.min() >= 200 - 8
    assert seen.max() <= 203 + 8


def test_a_window_that_holds_too_little_becomes_the_whole_source():
    q, k, v = problem(509)
    moving = Moving(width=8)
    memory = moving.prepare(k, v)
    torch.testing.assert_close(moving.attend(q, memory), Reference().attend(q, memory))
    assert moving.tally.dense_rows == B * H * T
    careless = Moving(width=8, keep=0.0)
    careless.attend(q, memory)
    assert careless.tally.dense_rows == 0
    assert careless.tally.left_out > 0.5


def test_summaries_add_up_and_grow():
    q, k, v = problem()
    linear = Linear()
    whole = linear.prepare(k, v)
    grown = linear.prepare(k[:, :, :7], v[:, :, :7])
    for some in (slice(7, 8), slice(8, None)):
        grown = linear.extended(grown, k[:, :, some], v[:, :, some])
    torch.testing.assert_close(linear.attend(q, grown), linear.attend(q, whole))
    torch.testing.assert_close(linear.weights(q, grown), linear.weights(q, whole))
    assert isinstance(whole.index, Summary)
    assert whole.index.state.shape == (B, G, K, E)


@torch.inference_mode()
def test_a_step_of_linear_attention_takes_the_same_whatever_the_length():
    linear, taken = Linear(), []
    for s in (61, 4099):
        q, k, v = problem(s, torch.float32)
        memory = linear.prepare(k, v)
        taken.append(peak_bytes(lambda memory=memory, q=q: linear.attend(q, memory)))
    assert taken[0] == taken[1]


def test_summaries_of_bfloat16_are_summed_up_in_float32():
    _, k, v = problem(61, torch.bfloat16)
    summary = Linear().summary(Linear().prepare(k, v))
    assert (summary.state.dtype, summary.total.dtype) == (torch.float32, torch.float32)


def test_random_features_estimate_softmax_the_better_the_more():
    q, k, v = problem(61)
    q, k = 0.5 * q, 0.5 * k
    wanted = Reference().attend(q, Reference().prepare(k, v))
    errors = []
    for num in (16, 4096):
        linear = Linear(features=Favor(num))
        errors.append(float((linear.attend(q, linear.prepare(k, v)) - wanted).abs().mean()))
    assert errors[1] < 0.2 * errors[0]
    lengths = directions(16, 16, 3).norm(dim=-1)
    across = directions(16, 16, 3) @ directions(16, 16, 3).T / lengths[:, None] / lengths
    torch.testing.assert_close(across, torch.eye(16, dtype=torch.float64))


def test_slots_that_are_all_refined_are_softmax_and_slots_of_one_key_too():
    q, k, v = problem()
    wanted = Reference().attend(q, Reference().prepare(k, v))
    for pooled in (Pooled(stride=5, refine=99), Pooled(stride=1, refine=0)):
        torch.testing.assert_close(pooled.attend(q, pooled.prepare(k, v)), wanted)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Chunked(chunk=0), "a chunk wants at least 1 key, got 0; 32768 serves most"),
        (lambda: TopK(num=0), "top-k wants at least 1 key, got 0; 64 serves most"),
        (
            lambda: Moving(keep=1.1),
            "width and head must be at least 0, and keep a share from 0 to 1, got 256, 0 and 1.1",
        ),
        (lambda: Pooled(stride=0), "stride must be at least 1 and refine at least 0, got 0 and 4"),
    ],
)
def test_settings_that_mean_nothing_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_a_head_that_is_not_there_is_refused():
    q, k, v = problem()
    with pytest.raises(ConfigError, match="window wants one of 6 heads, got 6; heads are counted from 0"):
        Moving(width=1, head=6).attend(q, Moving().prepare(k, v))


@pytest.mark.parametrize(("backend", "name"), [(Linear(), "linear"), (Pooled(), "pooled")])
def test_masks_that_a_summary_cannot_honour_are_refused_before_any_work(backend, name):
    q, k, v = problem()
    message = f"the {name} back end does not support arbitrary_mask; use the reference back end"
    for mask in (Causal(), Arbitrary(torch.ones(1, H, 1, S, dtype=torch.bool))):
        with pytest.raises(UnsupportedError, match=message):
            backend.prepare(k, v, mask=mask)
        with pytest.raises(UnsupportedError, match=message):
            backend.attend(q, Reference().prepare(k, v, mask=mask))


@pytest.mark.parametrize(
    ("backend", "name"),
    [(Chunked(), "chunked"), (TopK(), "top-k"), (Moving(), "window"), (Linear(), "linear"), (Pooled(), "pooled")],
)
def test_dropout_is_refused(backend, name):
    q, k, v = problem()
    with pytest.raises(UnsupportedError, match=f"the {name} back end does not support dropout"):
        backend.attend(q, backend.prepare(k, v), dropout=0.5)


@pytest.mark.parametrize(("backend", "name"), [(Moving(), "window"), (Linear(), "linear"), (Pooled(), "pooled")])
def test_a_bias_is_refused(backend, name):
    _, k, v = problem()
    with pytest.raises(UnsupportedError, match=f"the {name} back end does not support bias"):
        backend.prepare(k, v, bias=torch.zeros(1, 1, 1, S, dtype=torch.float64))
