"""Drawing lots: what it must agree with, and that a seed repeats it."""

from __future__ import annotations

import torch
from tests.generation.oracle import Oracle, asked, log_probs_after, sources

from weft.generation.hypothesis import Result
from weft.generation.search import search
from weft.generation.settings import Sampling, SearchSettings


def drawn(sampling: Sampling | None, *, seed: int = 0, nbest: int = 3, **rules: object) -> Result:
    model, source = Oracle(11, early=1.0), sources(7)
    settings = SearchSettings(beam=nbest if sampling else 1, nbest=nbest, sampling=sampling, **rules)
    return search(model, **asked(model, source), settings=settings, generator=torch.Generator().manual_seed(seed))


def test_a_seed_repeats() -> None:
    assert drawn(Sampling(), seed=5).hypotheses == drawn(Sampling(), seed=5).hypotheses
    assert drawn(Sampling(), seed=5).hypotheses != drawn(Sampling(), seed=7).hypotheses


def test_without_a_generator_it_draws_from_torch() -> None:
    model, source = Oracle(11), sources(3)
    result = search(model, **asked(model, source), settings=SearchSettings(nbest=7, sampling=Sampling()))
    assert [len(ranked) for ranked in result.hypotheses] == [7, 7, 7]


def test_one_choice_left_is_greedy() -> None:
    greedy = drawn(None, nbest=1)
    for sampling in (Sampling(top_k=1), Sampling(temperature=1e-9), Sampling(top_p=1e-9)):
        for ranked, best in zip(drawn(sampling).hypotheses, greedy.best, strict=True):
            assert [each.tokens for each in ranked] == [best.tokens] * 3


def test_samples_come_best_first_with_the_model_s_own_probabilities() -> None:
    model, source = Oracle(11, early=1.0), sources(7)
    for row, ranked in enumerate(drawn(Sampling(temperature=3.0, top_k=7)).hypotheses):
        keys = [(each.finished, each.score) for each in ranked]
        assert keys == sorted(keys, reverse=True)
        for each in ranked:
            own = [
                log_probs_after(model, source, row, each.tokens[:time])[token] for time, token in enumerate(each.tokens)
            ]
            assert torch.allclose(torch.tensor(each.token_log_probabilities).double(), torch.stack(own), atol=1e-6)


def test_frequencies_are_probabilities() -> None:
    model, source = Oracle(5), sources(2)
    settings = SearchSettings(nbest=9973, max_length=1, sampling=Sampling())
    draws = torch.Generator().manual_seed(0)
    result = search(model, **asked(model, source), settings=settings, generator=draws)
    for row, ranked in enumerate(result.hypotheses):
        counts = torch.bincount(torch.tensor([each.tokens[0] for each in ranked]), minlength=5)
        assert torch.allclose(counts / 9973, log_probs_after(model, source, row, ()).exp().float(), atol=0.02)
