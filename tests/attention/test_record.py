"""Records keep what was asked for, and answer afterwards."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tests.attention.problems import MASKS, B, H, K, S, T, problem

from weft.attention import Causal, Fused, Null, Observation, Record, Reference


def observation(site: str, backend=None, start: int = 0) -> Observation:
    torch.default_generator.manual_seed(1)
    backend = backend or Fused()
    q, k = torch.randn(2, 4, 3, 5), torch.randn(2, 2, 7, 5)
    return Observation(site, q, backend.prepare(k, k, mask=Causal()), backend, start)


def test_a_record_keeps_all_sites_or_those_named():
    everything, some, none = Record(), Record(sites=iter(["b", "never"])), Record(sites=[])
    for site in "aba":
        for record in (everything, some, none):
            record.note(observation(site))
    assert [entry.site for entry in everything.entries] == ["a", "b", "a"]
    assert [entry.site for entry in some.entries] == ["b"]
    assert none.entries == []
    assert everything.at("a") == [everything.entries[0], everything.entries[2]]
    assert everything.at("c") == []


@pytest.mark.parametrize("backend", [Reference, Fused])
def test_an_observation_answers_for_its_own_call(backend):
    one = observation("a", backend(0.4), start=2)
    wanted = backend(0.4).weights(one.query, one.memory, start=2)
    assert torch.equal(one.weights(), wanted)
    torch.testing.assert_close(one.weights(heads=[3], rows=[2, 0]), wanted[:, [3]][:, :, [2, 0]])
    top = one.top(2, heads=[3], rows=[1], block=3)
    torch.testing.assert_close(top.probability, wanted[:, [3]][:, :, [1]].topk(2, -1).values)
    torch.testing.assert_close(top.rest, 1 - top.probability.sum(-1))


def with_null(mask: str, dtype: torch.dtype = torch.float64, head: int = 3) -> tuple[Observation, torch.Tensor]:
    """An observation with a NULL on one head, and the dense truth `[b h t s+1]` of what every head reports."""
    case = problem(mask, dtype=dtype)
    random = torch.Generator().manual_seed(6)
    null = Null(head, torch.randn(K, generator=random).to(dtype), torch.tensor(0.7, dtype=dtype))
    one = Observation("a", case.q, case.memory, Fused(case.scale), case.start, null=null)
    n = (case.q.double() @ null.key.double())[..., None] * case.scale + null.bias.double()
    n = n.masked_fill((torch.arange(H) != head)[:, None, None], -torch.inf)
    scores = torch.cat((case.scores, n), -1)
    return one, scores.softmax(-1).nan_to_num(0.0)  # only a row that is dead all over is NaN


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 2e-6), (torch.bfloat16, 2e-6)]
)
@pytest.mark.parametrize("mask", MASKS)
def test_null_takes_its_share_of_its_own_head_alone(mask, dtype, tolerance):
    one, truth = with_null(mask, dtype)
    torch.testing.assert_close(one.weights().double(), truth[..., :S], atol=tolerance, rtol=0)
    torch.testing.assert_close(one.null_mass().double(), truth[:, 3, :, S], atol=tolerance, rtol=0)
    torch.testing.assert_close(one.weights([3]).sum(-1)[:, 0], 1 - one.null_mass(), atol=2e-6, rtol=0)
    assert one.weights().dtype is one.null_mass().dtype is torch.promote_types(dtype, torch.float32)


def test_null_goes_with_chosen_heads_and_rows():
    one, truth = with_null("arbitrary")
    torch.testing.assert_close(one.weights([4, 3], [2, 0]), truth[:, [4, 3]][:, :, [2, 0], :S], atol=1e-12, rtol=0)
    torch.testing.assert_close(one.null_mass([2, 0]), truth[:, 3, [2, 0], S], atol=1e-12, rtol=0)
    plain = replace(one, null=None)
    assert torch.equal(one.weights([1, 5]), plain.weights([1, 5]))
    torch.testing.assert_close(plain.null_mass([2, 0]), torch.zeros(B, 2, dtype=torch.float64), atol=0, rtol=0)


@pytest.mark.parametrize("mask", MASKS)
def test_null_shares_with_the_top_weights(mask):
    one, truth = with_null(mask)
    top = one.top(2, block=5)
    torch.testing.assert_close(top.probability, truth[..., :S].topk(2, -1).values, atol=1e-12, rtol=0)
    whole = top.probability.sum(-1) + top.rest
    torch.testing.assert_close(whole, truth[..., :S].sum(-1), atol=1e-12, rtol=0)


@pytest.mark.parametrize("head", [1, 3])
def test_log_weights_at_edges_are_logs_of_the_weights(head):
    one, truth = with_null("padding")
    keys = [*range(S), -1] if head == 3 else range(S)
    edges = torch.cartesian_prod(torch.arange(B), torch.arange(T), torch.tensor(list(keys)))
    wanted = truth[:, head, :, : len(keys)].log().flatten()
    torch.testing.assert_close(one.log_weights_at(edges, head=head), wanted, atol=1e-11, rtol=0)


def test_the_null_of_a_dead_row_is_everything():
    one, _ = with_null("dead")
    assert (one.null_mass()[1] == 1).all()
    assert (one.weights()[1] == 0).all()
