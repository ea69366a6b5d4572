"""Records keep what was asked for, and answer afterwards."""

from __future__ import annotations

import pytest
import torch

from weft.attention import Causal, Fused, Observation, Record, Reference


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
