"""Statistics of weights that are never formed agree with those of weights that are."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tests.attention.problems import BIASES, MASKS, B, H, K, S, T, problem
from torch import Tensor

from weft.attention import Fused, KeyValues, Null, Observation
from weft.attention.normaliser import log_normaliser
from weft.attention.statistics import coverage, entropy, expected_position, segment_mass
from weft.base.errors import ShapeError

SEGMENTS = torch.randint(-1, 3, (B, S), generator=torch.Generator().manual_seed(8))
MANY = 2 * K + 3
"""More segments than a head is wide."""


def ask(case) -> dict:
    return {"scale": case.scale, "start": case.start}


def entropies(weights: Tensor) -> Tensor:
    return -torch.special.xlogy(weights, weights).sum(-1)


def masses(weights: Tensor, segments: Tensor, num: int) -> Tensor:
    members = segments[..., None] == torch.arange(num)
    return torch.einsum("bhts,bsn->bhtn", weights, members.expand(len(weights), -1, -1).to(weights.dtype))


def everything(case, heads=None, segments: Tensor = SEGMENTS, num: int = 3) -> dict[str, tuple[Tensor, Tensor]]:
    """Each statistic beside the dense truth, in float64."""
    dense = case.weights if heads is None else case.weights[:, heads]
    log_sums = case.log_sums if heads is None else case.log_sums[:, heads]
    options = {**ask(case), "heads": heads}
    share = torch.rand(B, dense.shape[1], T, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return {
        "log normaliser": (log_normaliser(case.q, case.memory, **options), log_sums),
        "entropy": (entropy(case.q, case.memory, **options), entropies(dense)),
        "position": (
            expected_position(case.q, case.memory, **options),
            (dense * torch.arange(dense.shape[-1])).sum(-1),
        ),
        "segments": (segment_mass(case.q, case.memory, segments, num, **options), masses(dense, segments, num)),
        "coverage": (coverage(case.q, case.memory, **options), dense.sum(2)),
        "share": (coverage(case.q, case.memory, share=share, **options), (dense * share[..., None]).sum(2)),
    }


@pytest.mark.parametrize("heads", [None, [4, 0]], ids=str)
@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("mask", MASKS)
def test_every_statistic_is_that_of_the_dense_weights(mask, bias, heads):
    for name, (ours, wanted) in everything(problem(mask, bias), heads).items():
        torch.testing.assert_close(ours, wanted, atol=1e-12, rtol=1e-12, msg=lambda text, name=name: f"{name}: {text}")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("mask", MASKS)
def test_low_precision_answers_in_float32(mask, dtype):
    for ours, wanted in everything(problem(mask, dtype=dtype)).values():
        assert ours.dtype is torch.float32
        torch.testing.assert_close(ours.double(), wanted, atol=2e-5, rtol=2e-5)


@pytest.mark.parametrize("mask", ["padding", "causal"])
@pytest.mark.parametrize("segments", [torch.arange(S)[None], torch.arange(S).expand(B, -1) % MANY], ids=["1", "b"])
def test_more_segments_than_a_head_is_wide(mask, segments):
    ours, wanted = everything(problem(mask), segments=segments, num=MANY)["segments"]
    torch.testing.assert_close(ours, wanted, atol=1e-12, rtol=0)


@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("mask", MASKS)
def test_gradients_are_those_of_the_dense_weights(mask, bias):
    case = problem(mask, bias)
    found = everything(case)
    for name in ("log normaliser", "entropy", "position", "segments"):
        ours, wanted = (answer.masked_fill(answer == -torch.inf, 0.0) for answer in found[name])
        factor = torch.linspace(-1, 2, ours.numel()).view_as(ours)
        for mine, theirs in zip(
            torch.autograd.grad((factor * ours).sum(), case.leaves(), retain_graph=True),
            torch.autograd.grad((factor * _smooth(name, case, wanted)).sum(), case.leaves(), retain_graph=True),
            strict=True,
        ):
            assert mine.isfinite().all()
            torch.testing.assert_close(mine, theirs, atol=1e-11, rtol=1e-11)


def _smooth(name: str, case, wanted: Tensor) -> Tensor:
    """The dense truth, in a form whose gradient is finite where a weight is 0 (w log w is not)."""
    if name != "entropy":
        return wanted
    weights = case.weights
    return -(weights * weights.clamp_min(1e-300).log()).sum(-1)


@pytest.mark.parametrize("mask", MASKS)
def test_answers_are_the_same_in_inference_mode(mask):
    case = problem(mask)
    wanted = everything(case)
    with torch.inference_mode():
        memory = replace(case.memory, k=case.memory.k.clone(), v=case.memory.v.clone())
        other = replace(case, q=case.q.clone(), memory=memory)
        for name, (ours, _) in everything(other).items():
            assert torch.equal(ours, wanted[name][0]), name


@pytest.mark.parametrize("mask", ["full", "causal"])
@pytest.mark.parametrize(("t", "s"), [(0, 7), (5, 0), (0, 0)])
def test_nothing_to_read_or_ask_has_a_shape(mask, t, s):
    q, k = torch.randn(B, H, t, K), torch.randn(B, 2, s, K)
    memory = KeyValues(k, k, MASKS[mask])
    assert (entropy(q, memory) == torch.zeros(B, H, t)).all()
    assert (expected_position(q, memory) == torch.zeros(B, H, t)).all()
    assert (segment_mass(q, memory, torch.zeros(1, s, dtype=torch.long), 2) == torch.zeros(B, H, t, 2)).all()
    assert (coverage(q, memory) == torch.zeros(B, H, s)).all()


def test_one_key_has_no_entropy_and_even_weights_have_the_most():
    k = torch.zeros(B, H, S, K)
    one = entropy(torch.randn(B, H, T, K), KeyValues(k[:, :, :1], k[:, :, :1]))
    torch.testing.assert_close(one, torch.zeros(B, H, T))
    even = entropy(torch.randn(B, H, T, K), KeyValues(k, k))
    torch.testing.assert_close(even, torch.full((B, H, T), S).log())


@pytest.mark.parametrize("mask", ["full", "padding", "dead"])
def test_a_beam_of_queries_reads_what_each_hypothesis_reads_from_a_memory_of_its_own(mask):
    case, beam = problem(mask), 5
    rows = torch.arange(B).repeat_interleave(beam)
    of_each = case.q.transpose(1, 2).reshape(B * beam, H, 1, K)  # the T = 5 queries are those of a step of the beam
    own = case.memory.select(rows)
    for statistic in (entropy, expected_position, log_normaliser):
        ours = statistic(case.q, case.memory, scale=case.scale)
        theirs = statistic(of_each, own, scale=case.scale).view(B, beam, H).transpose(1, 2)
        torch.testing.assert_close(ours, theirs, atol=1e-12, rtol=0)
    alone = coverage(of_each, own, scale=case.scale).unflatten(0, (B, beam)).sum(1)
    torch.testing.assert_close(coverage(case.q, case.memory, scale=case.scale), alone)


@pytest.mark.parametrize("head", [1, 3])
def test_an_observation_answers_what_its_weights_say(head):
    case = problem("padding")
    null = Null(3, torch.linspace(-1, 1, K, dtype=torch.float64), torch.tensor(0.5, dtype=torch.float64))
    one = Observation("a", case.q, case.memory, Fused(case.scale), case.start, null=null)
    weights, share = one.weights([head, 0]), torch.rand(B, 1, T, dtype=torch.float64)
    close = {"atol": 1e-12, "rtol": 0.0}
    torch.testing.assert_close(one.segment_mass(SEGMENTS, 3, [head, 0]), masses(weights, SEGMENTS, 3), **close)
    torch.testing.assert_close(one.coverage([head, 0]), weights.sum(2), **close)
    torch.testing.assert_close(one.coverage([head, 0], share), (weights * share[..., None]).sum(2), **close)
    words = case.weights[:, [head, 0]]  # a query's own reading, NULL or not
    torch.testing.assert_close(one.entropy([head, 0]), entropies(words), **close)
    torch.testing.assert_close(one.expected_position([head, 0]), (words * torch.arange(S)).sum(-1), **close)
    torch.testing.assert_close(one.log_normaliser([head]), case.scores[:, [head]].logsumexp(-1), **close)


@pytest.mark.parametrize(("segments", "num"), [(SEGMENTS[:, 1:], 3), (SEGMENTS[0], 3), (SEGMENTS, 0)])
def test_segments_that_do_not_fit_are_refused(segments, num):
    case = problem()
    with pytest.raises(ShapeError, match=r"segments must be \[b\|1 s\] = \[2, 17\], .*name the segment of every key"):
        segment_mass.__wrapped__(case.q, case.memory, segments, num)


@pytest.mark.parametrize("head", [H, -1])
def test_a_head_that_is_not_there_is_refused(head):
    case = problem()
    with pytest.raises(ShapeError, match=f"a head must be from 0 to 5, got {head}; heads are counted from 0"):
        entropy(case.q, case.memory, heads=[head])
