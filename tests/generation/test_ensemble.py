"""Several models as one."""

from __future__ import annotations

import pytest
import torch
from tests.generation.oracle import START, Oracle, Tape, asked, log_probs_after, same, sources

from weft.base.errors import ConfigError
from weft.generation.ensemble import Ensemble
from weft.generation.search import search
from weft.generation.settings import SearchSettings


@pytest.mark.parametrize("beam", [1, 5])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_model_with_itself_is_the_model(beam: int, count: int) -> None:
    model, source = Oracle(11, early=1.0), sources(7)
    twins, settings = Ensemble([model] * count), SearchSettings(beam=beam, nbest=beam)
    alone = search(model, **asked(model, source), settings=settings)
    together = search(twins, **asked(twins, source), settings=settings)
    for mine, other in zip(together.hypotheses, alone.hypotheses, strict=True):
        for one, two in zip(mine, other, strict=True):
            same(one, two)


@pytest.mark.parametrize("beam", [1, 5])
def test_probabilities_are_the_mean_of_the_members(beam: int) -> None:
    members, source = [Oracle(11, seed=seed, early=1.0) for seed in (2, 3, 5)], sources(7)
    ensemble = Ensemble(members)
    result = search(ensemble, **asked(ensemble, source), settings=SearchSettings(beam=beam))
    for row, best in enumerate(result.best):
        for time, token in enumerate(best.tokens):
            probs = [log_probs_after(model, source, row, best.tokens[:time])[token].exp() for model in members]
            mean = torch.stack(probs).mean().log()
            assert best.token_log_probabilities[time] == pytest.approx(float(mean), abs=1e-10)


def test_half_precision_members_vote_in_float32() -> None:
    members = [Oracle(11, seed=seed, dtype=torch.bfloat16) for seed in (2, 3)]
    ensemble = Ensemble(members)
    cache = ensemble.init_cache(ensemble.encode(sources(3)), beam=2, capacity=1)
    logits, _ = ensemble.step(torch.full((3, 2), START), cache)
    assert logits.dtype is torch.float32
    assert torch.allclose(logits.logsumexp(-1), torch.zeros(3, 2), atol=1e-6)


def test_a_record_sees_the_first_member() -> None:
    first, second = Oracle(11, seed=2), Oracle(11, seed=3)
    tape, source = Tape(), sources(3)
    ensemble = Ensemble([first, second])
    result = search(ensemble, **asked(ensemble, source), record=tape, settings=SearchSettings(beam=2, max_length=3))
    assert len(tape.states) == len(result.rows)
    assert torch.equal(tape.states[0][:, 0], first.read(first.encode(source).keys, torch.tensor(START)))


@pytest.mark.parametrize("sizes", [[], [5, 7]])
def test_members_that_do_not_fit(sizes: list[int]) -> None:
    with pytest.raises(ConfigError, match=r"one or more models of one vocabulary size, got sizes \[.*\]; use models"):
        Ensemble([Oracle(size) for size in sizes])
