"""Each rule by itself, on log-probabilities `[b n w]`."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import settings as run_with
from hypothesis import strategies as st
from torch import Tensor

from weft.generation.logits import ban, force, largest, log_probabilities, no_repeat, rescue, sharpen
from weft.generation.settings import Sampling

NEVER = float("-inf")


def log_probs(*shape: int, seed: int = 0) -> Tensor:
    logits = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return log_probabilities(3 * logits)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
def test_log_probabilities_sum_to_one_in_float32_at_least(dtype: torch.dtype) -> None:
    result = log_probabilities(torch.randn(2, 3, 11, generator=torch.Generator().manual_seed(0)).to(dtype))
    assert result.dtype is torch.promote_types(dtype, torch.float32)
    assert torch.allclose(result.exp().sum(-1), torch.ones(2, 3, dtype=result.dtype), atol=1e-6)


@pytest.mark.parametrize("width", [11, 509, 4099, 512])
@pytest.mark.parametrize("count", [1, 3, 8])
def test_the_largest_are_those_of_topk(width: int, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weft.generation.logits._MANY", 0)
    draw = torch.Generator().manual_seed(width + count)
    x = torch.randn(2, 3, width, generator=draw)
    x = x.masked_fill(torch.rand(2, 3, width, generator=draw) < 0.3, float("-inf"))
    totals = torch.tensor([[0.0, 0.5, -0.25], [0.0, float("-inf"), float("-inf")]])
    values, places = largest(totals, x, count)
    wanted = (totals[..., None] + x).flatten(1).topk(count)
    assert torch.equal(values, wanted.values)
    assert torch.equal(places, wanted.indices)


def test_the_largest_of_a_row_that_is_banned_but_for_its_end() -> None:
    x = torch.full((1, 2, 40099), float("-inf"))
    x[0, 0, 40098], x[0, 1, 4000], x[0, 1, 40097] = 2.0, 1.0, 1.5
    values, places = largest(torch.zeros(1, 2), x, 4)
    assert places[0, :3].tolist() == [40098, 40099 + 40097, 40099 + 4000]
    assert values[0].tolist() == [2.0, 1.5, 1.0, float("-inf")]


def test_ban_takes_these_tokens_alone() -> None:
    before = log_probs(2, 3, 11)
    after = ban(before, torch.tensor([4, 7]))
    assert (after[..., [4, 7]] == NEVER).all()
    assert torch.equal(after[..., [0, 1, 2, 3, 5, 6, 8, 9, 10]], before[..., [0, 1, 2, 3, 5, 6, 8, 9, 10]])


def test_force_leaves_one_token_where_one_is_forced() -> None:
    before = log_probs(2, 3, 11)
    after = force(before, torch.tensor([7, -1]))
    assert torch.equal(after[1], before[1])
    assert torch.equal(after[0, :, 7], before[0, :, 7])
    assert (after[0] > NEVER).sum() == 3


@run_with(deadline=None, max_examples=29)
@given(seed=st.integers(0, 997), size=st.integers(1, 4), length=st.integers(0, 13))
def test_no_repeat_bans_what_would_repeat(seed: int, size: int, length: int) -> None:
    before = log_probs(2, 3, 5, seed=seed)
    written = torch.randint(0, 5, (2, 3, length), generator=torch.Generator().manual_seed(seed))
    after = no_repeat(before, written, size)
    for b, n, w in torch.cartesian_prod(torch.arange(2), torch.arange(3), torch.arange(5)).tolist():
        tokens = (*written[b, n].tolist(), w)
        grams = [tokens[place : place + size] for place in range(len(tokens) - size + 1)]
        repeats = bool(grams) and grams[-1] in grams[:-1]
        assert after[b, n, w] == (NEVER if repeats else before[b, n, w])


def test_rescue_opens_the_end_only_where_nothing_is_left() -> None:
    before = log_probs(2, 3, 11)
    allowed = before.clone()
    allowed[0, 1] = NEVER
    allowed[1, 2, 2:] = NEVER
    after = rescue(allowed, before, 2)
    assert after[0, 1, 2] == before[0, 1, 2]
    assert (after[0, 1] > NEVER).sum() == 1
    allowed[0, 1, 2] = before[0, 1, 2]
    assert torch.equal(after, allowed)


def test_sharpen_without_settings_is_softmax() -> None:
    before = log_probs(2, 3, 11)
    assert torch.allclose(sharpen(before, Sampling()), before.exp(), atol=1e-14)


@pytest.mark.parametrize("temperature", [0.5, 3.0])
def test_temperature_divides_the_logits(temperature: float) -> None:
    before = log_probs(2, 3, 11)
    assert torch.allclose(sharpen(before, Sampling(temperature)), (before / temperature).softmax(-1), atol=1e-14)


@pytest.mark.parametrize("temperature", [1e-3, 1e-30, 1e-300])
def test_a_low_temperature_is_the_best_token(temperature: float) -> None:
    before = log_probs(2, 3, 11)
    assert torch.equal(sharpen(before, Sampling(temperature)).argmax(-1), before.argmax(-1))
    assert torch.allclose(sharpen(before, Sampling(temperature)).amax(-1), torch.ones(2, 3).double())


@pytest.mark.parametrize("top_k", [1, 3, 11, 13])
def test_top_k_keeps_the_k_best_in_proportion(top_k: int) -> None:
    before = log_probs(2, 3, 11)
    probs = sharpen(before, Sampling(top_k=top_k))
    best = before.topk(min(top_k, 11))
    assert ((probs > 0).sum(-1) == min(top_k, 11)).all()
    assert torch.allclose(probs.gather(-1, best.indices), best.values.softmax(-1), atol=1e-14)


def test_top_k_keeps_all_of_a_tie() -> None:
    probs = sharpen(torch.tensor([0.4, 0.2, 0.2, 0.2]).log(), Sampling(top_k=2))
    assert torch.allclose(probs, torch.tensor([0.4, 0.2, 0.2, 0.2]))


@pytest.mark.parametrize(("top_p", "count"), [(0.01, 1), (0.5, 1), (0.55, 2), (0.75, 2), (0.85, 3), (1.0, 4)])
def test_top_p_keeps_the_fewest_that_hold_p(top_p: float, count: int) -> None:
    before = torch.tensor([0.1, 0.5, 0.15, 0.25], dtype=torch.float64)
    probs = sharpen(before.log(), Sampling(top_p=top_p))
    kept = before.sort(descending=True)
    wanted = torch.zeros(4).double().scatter(0, kept.indices[:count], kept.values[:count] / kept.values[:count].sum())
    assert torch.allclose(probs, wanted, atol=1e-14)


def test_what_is_banned_is_never_drawn() -> None:
    before = ban(log_probs(2, 3, 11), torch.tensor([1, 2, 3]))
    for sampling in (Sampling(3.0), Sampling(top_k=9), Sampling(top_p=0.999)):
        assert (sharpen(before, sampling)[..., [1, 2, 3]] == 0).all()
