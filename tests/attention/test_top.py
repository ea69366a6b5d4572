"""The largest weights and the exact rest: true probabilities, whatever the block."""

from __future__ import annotations

import pytest
import torch

from weft.attention import Arbitrary, Causal, Full, Fused, Mask, Padding, Window
from weft.attention.top import top_weights
from weft.base.errors import ShapeError

B, H, G, T, S, K = 2, 4, 2, 5, 17, 11
MASKS: dict[str, Mask] = {
    "full": Full(),
    "causal": Causal(),
    "padding": Padding(torch.arange(S) < torch.tensor([[11], [0]])),
    "window": Window(1) & Causal(),
    "arbitrary": Arbitrary(torch.rand(B, H, T, S, generator=torch.Generator().manual_seed(5)) < 0.2),
}


def problem(mask: str, dtype: torch.dtype = torch.float64):
    torch.default_generator.manual_seed(13)
    q, k = torch.randn(B, H, T, K, dtype=dtype), torch.randn(B, G, S, K, dtype=dtype)
    bias = torch.randn(1, H, 1, S).masked_fill(torch.rand(1, H, 1, S) < 0.2, -torch.inf)
    return q, Fused().prepare(k, k, mask=MASKS[mask], bias=bias if mask == "full" else None)


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("num", [1, 3, S, S + 2])
@pytest.mark.parametrize("block", [1, 2, 5, S, 2048])
def test_top_is_the_dense_top_whatever_the_block(mask, num, block):
    q, memory = problem(mask)
    dense = Fused().weights(q, memory, start=1)
    top = top_weights(q, memory, num, start=1, block=block)
    assert top.probability.shape == top.index.shape == (B, H, T, num)
    wanted, _ = dense.topk(min(num, S), -1)
    torch.testing.assert_close(top.probability[..., :S], wanted, atol=1e-12, rtol=0)
    kept = top.index >= 0
    assert torch.equal(kept, top.probability > 0)
    picked = dense.gather(-1, top.index.clamp_min(0))
    torch.testing.assert_close(picked[kept], top.probability[kept], atol=1e-12, rtol=0)
    whole = top.probability.sum(-1) + top.rest
    torch.testing.assert_close(whole, dense.sum(-1), atol=1e-12, rtol=0)
    assert (top.rest >= 0).all()


@pytest.mark.parametrize("mask", MASKS)
def test_no_key_is_named_twice(mask):
    q, memory = problem(mask)
    for row in top_weights(q, memory, 7, block=3).index.flatten(0, 2):
        named = row[row >= 0].tolist()
        assert len(set(named)) == len(named)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64], ids=str)
def test_a_dead_row_has_nothing_and_no_rest(dtype):
    q, memory = problem("padding", dtype)
    top = top_weights(q, memory, 3, block=4)
    assert (top.probability[1] == 0).all()
    assert (top.index[1] == -1).all()
    assert (top.rest[1] == 0).all()
    assert top.probability.dtype == top.rest.dtype == torch.promote_types(dtype, torch.float32)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64], ids=str)
def test_a_source_without_keys_has_nothing(dtype):
    q, k = torch.randn(B, H, T, K, dtype=dtype), torch.randn(B, G, 0, K, dtype=dtype)
    top = top_weights(q, Fused().prepare(k, k), 3, heads=[0, 2])
    assert top.probability.shape == (B, 2, T, 3)
    assert (top.probability == 0).all()
    assert (top.index == -1).all()
    assert (top.rest == 0).all()
    assert top.index.dtype is torch.long
    assert top.probability.dtype is torch.promote_types(dtype, torch.float32)


def test_chosen_heads_and_rows_are_a_slice_of_all():
    q, memory = problem("arbitrary")
    whole, part = top_weights(q, memory, 3), top_weights(q, memory, 3, heads=[3, 1], rows=[4, 0], block=6)
    torch.testing.assert_close(part.probability, whole.probability[:, [3, 1]][:, :, [4, 0]])
    assert torch.equal(part.index, whole.index[:, [3, 1]][:, :, [4, 0]])
    torch.testing.assert_close(part.rest, whole.rest[:, [3, 1]][:, :, [4, 0]])


def test_scale_is_the_back_end_s():
    q, memory = problem("full")
    wanted = Fused(0.9).weights(q, memory).amax(-1)
    torch.testing.assert_close(top_weights(q, memory, 1, scale=0.9).probability[..., 0], wanted)


@pytest.mark.parametrize(("num", "block"), [(0, 5), (3, 0), (-1, 5)])
def test_nothing_to_ask_for_is_refused(num, block):
    q, memory = problem("full")
    with pytest.raises(ShapeError, match=f"num and block must be at least 1, got {num} and {block}; ask for one"):
        top_weights(q, memory, num, block=block)
