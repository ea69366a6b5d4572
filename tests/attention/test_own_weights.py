"""What a record says of an approximate back end is true of the weights by which it read."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tests.attention.back_ends import BACKENDS
from torch import Tensor

from weft.attention import Backend, Full, Null, Observation, Padding, Record
from weft.base.errors import ShapeError

B, H, G, T, S, K, E = 2, 6, 3, 5, 17, 11, 13
MASKS = {
    "full": Full(),
    "padding": Padding(torch.arange(S) < torch.tensor([[13], [7]])),
    "dead": Padding(torch.arange(S) < torch.tensor([[11], [0]])),
}
APPROXIMATE = {name: make for name, make in BACKENDS.items() if not make().exact}
EDGES = torch.tensor(
    [[row, query, (3 * row + 5 * query + key) % S] for row in (0, 1) for query in (4, 0, 1, 4) for key in range(S)]
)
each = pytest.mark.parametrize("name", APPROXIMATE)
masks = pytest.mark.parametrize("mask", MASKS)


def observe(name: str, mask: str = "full", null: Null | None = None) -> Observation:
    random = torch.Generator().manual_seed(11)
    q, k, v = (
        torch.randn(B, *size, generator=random, dtype=torch.float64) for size in ((H, T, K), (G, S, K), (G, S, E))
    )
    backend: Backend = APPROXIMATE[name](0.7)
    return Observation("a", q.requires_grad_(), backend.prepare(k, v, mask=MASKS[mask]), backend, null=null)


def same(ours: Tensor, wanted: Tensor) -> None:
    torch.testing.assert_close(ours, wanted, atol=1e-12, rtol=1e-12)


def a_null(head: int = 3) -> Null:
    key = torch.randn(K, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    return Null(head, key, torch.tensor(0.7, dtype=torch.float64))


@pytest.fixture(params=["rows at once", "row by row"])
def _stretches(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "row by row":
        monkeypatch.setattr("weft.attention.own_weights._MANY_WEIGHTS", 1)


@each
@masks
@pytest.mark.parametrize("heads", [None, [4, 0]], ids=str)
@pytest.mark.usefixtures("_stretches")
def test_every_statistic_is_that_of_the_weights_that_attend_used(name, mask, heads):
    one = observe(name, mask)
    dense = one.weights(heads)
    values = one.memory.v.repeat_interleave(H // G, 1) if heads is None else one.memory.v[:, [4 * G // H, 0]]
    context = one.backend.attend(one.query, one.memory)
    same(dense @ values, context if heads is None else context[:, heads])
    same(one.entropy(heads), -torch.special.xlogy(dense, dense).sum(-1))
    same(one.expected_position(heads), (dense * torch.arange(S)).sum(-1))
    segments = torch.randint(-1, 3, (B, S), generator=torch.Generator().manual_seed(8))
    members = (segments[..., None] == torch.arange(3)).double()
    same(one.segment_mass(segments, 3, heads), torch.einsum("bhts,bsn->bhtn", dense, members))
    same(one.segment_mass(segments[:1], 3, heads), torch.einsum("bhts,sn->bhtn", dense, members[0]))
    same(one.coverage(heads), dense.sum(2))
    share = torch.rand(B, dense.shape[1], T, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    same(one.coverage(heads, share), (dense * share[..., None]).sum(2))


@each
@masks
@pytest.mark.usefixtures("_stretches")
def test_the_largest_weights_and_the_rest_are_the_row(name, mask):
    one = observe(name, mask)
    dense = one.weights([5, 1], [3, 0])
    for num in (1, 4, S + 2):
        top = one.top(num, heads=[5, 1], rows=[3, 0])
        assert top.probability.shape == top.index.shape == (B, 2, 2, num)
        same(top.probability[..., : min(num, S)], dense.topk(min(num, S), -1).values)
        same(top.probability.sum(-1) + top.rest, dense.sum(-1))
        assert ((top.index < 0) == (top.probability == 0)).all()
        same(dense.gather(-1, top.index.clamp_min(0)).masked_fill(top.index < 0, 0.0), top.probability)


@each
@masks
@pytest.mark.usefixtures("_stretches")
def test_log_weights_at_edges_are_those_of_the_dense_weights_gradients_included(name, mask):
    one = observe(name, mask)
    ours = one.log_weights_at(EDGES, head=3)
    row, query, key = EDGES.unbind(-1)
    weights = one.weights()[row, 3, query, key]
    same(ours, weights.log())
    read = weights > 0
    if read.any():
        gradients = [torch.autograd.grad(logs.sum(), one.query)[0] for logs in (ours[read], weights[read].log())]
        torch.testing.assert_close(*gradients, atol=1e-10, rtol=1e-10)


@each
@masks
def test_null_takes_its_share_of_weights_that_are_approximate(name, mask):
    plain, one = observe(name, mask), observe(name, mask, a_null())
    left = 1 - one.null_mass()
    dense = one.weights()
    same(dense[:, 3], plain.weights([3])[:, 0] * left[..., None])
    top = one.top(3)
    same(top.probability.sum(-1) + top.rest, dense.sum(-1))
    same(one.coverage(), dense.sum(2))
    segments = torch.zeros(1, S, dtype=torch.long)
    same(one.segment_mass(segments, 1)[..., 0], dense.sum(-1))
    row, query, key = EDGES.unbind(-1)
    same(one.log_weights_at(EDGES, head=3), dense[row, 3, query, key].log())
    none = torch.tensor([[0, 2, -1], [1, 4, -1]])
    same(one.log_weights_at(none, head=3), one.null_mass()[[0, 1], [2, 4]].log())


@each
def test_statistics_have_finite_gradients_and_count_nothing(name):
    one = observe(name, "dead")
    tally = getattr(one.backend, "tally", None)
    total = one.entropy().sum() + one.expected_position().sum() + one.top(2).rest.sum()
    (gradient,) = torch.autograd.grad(total, one.query)
    assert gradient.isfinite().all()
    assert tally is None or tally.rows == 0


@each
def test_what_was_not_read_has_a_weight_in_the_softmax_over_every_key(name):
    one = observe(name)
    row, query, key = EDGES.unbind(-1)
    scores = torch.einsum("bhtk,bhsk->bhts", one.query, one.memory.k.repeat_interleave(H // G, 1)) * 0.7
    same(one.log_weights_of_scores_at(EDGES, head=3), scores.log_softmax(-1)[row, 3, query, key])


@each
def test_recording_changes_no_bit_and_statistics_neither(name):
    one = observe(name)
    record = Record()
    before = one.backend.attend(one.query, one.memory)
    record.note(one)
    for ask in (one.entropy, one.expected_position, one.coverage, one.weights):
        ask()
    assert torch.equal(one.backend.attend(one.query, one.memory), before)


@each
def test_readings_that_make_no_sense_are_refused(name):
    one = observe(name)
    with pytest.raises(ShapeError, match="num and block must be at least 1, got 0 and None"):
        one.top(0)
    with pytest.raises(ShapeError, match=r"segments must be \[b|1 s\] = \[2, 17\]"):
        one.segment_mass(torch.zeros(1, S - 1, dtype=torch.long), 1)
    with pytest.raises(ShapeError, match="wants null scores"):
        one.log_weights_at(torch.tensor([[0, 0, -1]]), head=3)
    with pytest.raises(ShapeError, match="wants null scores"):
        replace(one, null=a_null(2)).log_weights_at(torch.tensor([[0, 0, -1]]), head=3)
