"""Laws of search as a whole, in float64, on a model that can be enumerated."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import settings as run_with
from hypothesis import strategies as st
from tests.generation.oracle import EOS, START, Oracle, Tape, asked, every_hypothesis, log_probs_after, same, sources

from weft.base.errors import ConfigError, ShapeError
from weft.base.padded import Padded
from weft.generation.hypothesis import Hypothesis, Result
from weft.generation.search import search
from weft.generation.settings import Sampling, SearchSettings
from weft.generation.stream import search_steps

ALPHAS = [0.0, 0.6, 1.0, 1.5]
KINDS = {
    "greedy": SearchSettings(beam=1),
    "beam": SearchSettings(beam=5, nbest=3),
    "beam of 7, no penalty": SearchSettings(beam=7, nbest=7, length_penalty=0.0),
    "short": SearchSettings(beam=3, nbest=3, max_length=4),
    "greedy, short": SearchSettings(beam=1, max_length=4),
    "short by source": SearchSettings(beam=3, nbest=3, max_length_ratio=0.5, max_length_offset=1),
    "greedy, short by source": SearchSettings(beam=1, max_length_ratio=0.5, max_length_offset=1),
    "no repeats": SearchSettings(beam=3, no_repeat_ngram=2, min_length=7),
}
every_kind = pytest.mark.parametrize("settings", KINDS.values(), ids=KINDS.keys())


def beam_of_one(model: Oracle, source: Padded, settings: SearchSettings) -> Result:
    """What the beam search itself finds with a beam of 1 (`search` would go the greedy way)."""
    *_, last = search_steps(model, **asked(model, source), settings=settings)
    assert last.result is not None
    return last.result


@run_with(deadline=None, max_examples=23)
@given(seed=st.integers(0, 997), early=st.sampled_from([-1.0, 0.0, 2.0]), ngram=st.sampled_from([0, 1, 2]))
def test_a_beam_of_one_is_greedy(seed: int, early: float, ngram: int) -> None:
    model, source = Oracle(11, seed=seed, early=early), sources(5, seed)
    settings = SearchSettings(beam=1, max_length=13, no_repeat_ngram=ngram)
    greedy = search(model, **asked(model, source), settings=settings)
    for mine, other in zip(greedy.best, beam_of_one(model, source, settings).best, strict=True):
        same(mine, other)


def test_greedy_takes_the_most_probable_token_each_time() -> None:
    model, source = Oracle(11, early=1.0), sources(7)
    for row, found in enumerate(search(model, **asked(model, source), settings=SearchSettings(beam=1)).best):
        for time, token in enumerate(found.tokens):
            assert log_probs_after(model, source, row, found.tokens[:time]).argmax() == token


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("nbest", [1, 3, 347])
@pytest.mark.parametrize("early", [0.0, 2.0])
def test_a_beam_as_wide_as_the_space_is_brute_force(alpha: float, nbest: int, early: float) -> None:
    model, source = Oracle(5, seed=31, early=early), sources(3)
    settings = SearchSettings(beam=347, nbest=nbest, length_penalty=alpha, max_length=4)
    result = search(model, **asked(model, source), settings=settings)
    for row, ranked in enumerate(result.hypotheses):
        wanted = every_hypothesis(model, source, row, longest=4, alpha=alpha)[:nbest]
        assert [each.tokens for each in ranked] == [tokens for _, _, tokens in wanted]
        assert [each.finished for each in ranked] == [not cut for cut, _, _ in wanted]
        assert [each.score for each in ranked] == pytest.approx([-score for _, score, _ in wanted], abs=1e-10)


@every_kind
def test_the_rest_of_the_batch_changes_nothing(settings: SearchSettings) -> None:
    model, source = Oracle(11, early=1.0), sources(13)
    together = search(model, **asked(model, source), settings=settings)
    assert len(together.rows[-1]) < 13, "finished sources leave the batch"
    for row, ranked in enumerate(together.hypotheses):
        alone = source.select(torch.tensor([row]))
        padded = Padded(torch.nn.functional.pad(alone.values, (0, 3)), torch.nn.functional.pad(alone.keep, (0, 3)))
        (wanted,) = search(model, **asked(model, padded), settings=settings).hypotheses
        for mine, other in zip(ranked, wanted, strict=True):
            same(mine, other)


@every_kind
def test_order_of_sources_commutes(settings: SearchSettings) -> None:
    model, source = Oracle(11, early=1.0), sources(11)
    order = torch.randperm(11, generator=torch.Generator().manual_seed(3))
    result = search(model, **asked(model, source), settings=settings)
    shuffled = search(model, **asked(model, source.select(order)), settings=settings)
    for place, row in enumerate(order.tolist()):
        for mine, other in zip(shuffled.hypotheses[place], result.hypotheses[row], strict=True):
            same(mine, other)


@every_kind
def test_log_probabilities_are_those_of_the_model(settings: SearchSettings) -> None:
    model, source = Oracle(11, early=1.0), sources(5)
    result = search(model, **asked(model, source), settings=settings)
    for row, ranked in enumerate(result.hypotheses):
        for found in ranked:
            wanted = [
                float(log_probs_after(model, source, row, found.tokens[:time])[token])
                for time, token in enumerate(found.tokens)
            ]
            assert found.token_log_probabilities == pytest.approx(wanted, abs=1e-10)
            assert found.log_probability == pytest.approx(sum(wanted), abs=1e-10)
            assert found.score == pytest.approx(sum(wanted) / len(wanted) ** settings.length_penalty, abs=1e-10)


@every_kind
def test_hypotheses_are_sorted_and_unique(settings: SearchSettings) -> None:
    model, source = Oracle(11, early=1.0), sources(7)
    for ranked in search(model, **asked(model, source), settings=settings).hypotheses:
        assert len(ranked) == settings.nbest
        assert len({each.tokens for each in ranked}) == len(ranked)
        keys = [(each.finished, each.score) for each in ranked]
        assert keys == sorted(keys, reverse=True)


@pytest.mark.parametrize("sampling", [None, Sampling()])
@every_kind
def test_slots_lead_through_the_recorded_steps(settings: SearchSettings, sampling: Sampling | None) -> None:
    settings = SearchSettings(**{**vars(settings), "sampling": sampling})
    model, source = Oracle(11, early=1.0), sources(13)
    tape, arguments = Tape(), asked(model, source)
    result = search(model, **arguments, settings=settings, record=tape, generator=torch.Generator().manual_seed(5))
    assert len(tape.states) == len(result.rows)
    for row, ranked in enumerate(result.hypotheses):
        for found in ranked:
            assert found.slots is not None
            assert len(found.slots) == len(found.tokens) + (not found.finished)
            state = arguments["memory"].keys[row]
            for time, slot in enumerate(found.slots):
                state = model.read(state, torch.tensor((START, *found.tokens)[time]))
                place = result.rows[time].tolist().index(row)
                assert tape.states[time][place, slot] == state


@every_kind
def test_recording_changes_nothing(settings: SearchSettings) -> None:
    model, source = Oracle(11, early=1.0), sources(11)
    plain = search(model, **asked(model, source), settings=settings)
    recorded = search(model, **asked(model, source), settings=settings, record=Tape())
    assert all(each.slots is None for ranked in plain.hypotheses for each in ranked)
    for mine, other in zip(plain.hypotheses, recorded.hypotheses, strict=True):
        for one, two in zip(mine, other, strict=True):
            same(one, two)


def test_a_beam_stops_when_none_can_win() -> None:
    """`</s>` at once is nearly certain: one step, and the bound says that no other hypothesis can pass it."""
    model, source = Oracle(11, early=50.0), sources(3)
    result = search(model, **asked(model, source), settings=SearchSettings(beam=7, length_penalty=0.0))
    assert [found.tokens for found in result.best] == [(EOS,)] * 3
    assert model.steps == 1


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("beam", [1, 3])
def test_log_probabilities_are_at_least_float32(dtype: torch.dtype, beam: int) -> None:
    model, source = Oracle(11, early=1.0, dtype=dtype), sources(3)
    result = search(model, **asked(model, source), settings=SearchSettings(beam=beam, max_length=1))
    for row, found in enumerate(result.best):
        precise = torch.promote_types(dtype, torch.float32)
        logits = model.logits(model.read(model.encode(source).keys[row], torch.tensor(START))).to(precise)
        wanted = logits.log_softmax(-1)[found.tokens[0]]
        tolerance = 1e-14 if dtype is torch.float64 else 1e-6
        assert found.log_probability == pytest.approx(float(wanted), abs=tolerance)


@pytest.mark.parametrize("beam", [1, 2, 7, 23])
@pytest.mark.parametrize("longest", [1, 2, 5])
def test_a_vocabulary_smaller_than_the_beam(beam: int, longest: int) -> None:
    model, source = Oracle(3), sources(5)
    settings = SearchSettings(beam=beam, nbest=beam, max_length=longest)
    for ranked in search(model, **asked(model, source), settings=settings).hypotheses:
        assert 1 <= len(ranked) <= beam
        assert len({each.tokens for each in ranked}) == len(ranked)
        assert all(each.score > -float("inf") for each in ranked)


def test_a_limit_of_one_token_is_the_best_token() -> None:
    model, source = Oracle(11), sources(5)
    for beam in (1, 3):
        settings = SearchSettings(beam=beam, nbest=beam, max_length=1)
        for row, ranked in enumerate(search(model, **asked(model, source), settings=settings).hypotheses):
            log_probs = log_probs_after(model, source, row, ())
            assert all(len(each.tokens) == 1 for each in ranked)
            assert max(each.score for each in ranked) == pytest.approx(float(log_probs.max()))


@pytest.mark.parametrize("settings", [SearchSettings(), SearchSettings(beam=1), SearchSettings(sampling=Sampling())])
def test_no_sources_no_hypotheses(settings: SearchSettings) -> None:
    model, none = Oracle(11), Padded(torch.zeros(0, 1, dtype=torch.long), torch.zeros(0, 1, dtype=torch.bool))
    assert search(model, **asked(model, none), settings=settings) == Result((), ())


def test_no_gradient_is_kept() -> None:
    class Learning(Oracle):
        def logits(self, state: torch.Tensor) -> torch.Tensor:
            assert not torch.is_grad_enabled()
            return super().logits(state)

    model, source = Learning(11), sources(2)
    search(model, **asked(model, source))


def test_best_is_the_first_of_each() -> None:
    one, two = (Hypothesis((token, EOS), (-1.0, -1.0), -1.0, -2.0, True) for token in (3, 5))
    assert Result(((one, two), (two,)), ()).best == (one, two)


def test_sources_that_do_not_fit_together() -> None:
    model, source = Oracle(11), sources(3)
    arguments = asked(model, source)
    with pytest.raises(ShapeError, match=r"one entry for each source, got 3, 3 and 2; give an empty prefix"):
        search(model, **arguments, prefix=[[], []])


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("eos", {"eos": 11}),
        ("banned", {"settings": SearchSettings(banned=(3, 11))}),
        ("prefix", {"prefix": [[3], [11], []]}),
        ("prefix", {"prefix": [[3], [-1], []]}),
    ],
)
def test_ids_outside_the_vocabulary(name: str, wrong: dict[str, object]) -> None:
    model, source = Oracle(11), sources(3)
    with pytest.raises(ConfigError, match=rf"{name} must be ids below the vocabulary size 11, got (11|-1); are token"):
        search(model, **{**asked(model, source), **wrong})
    assert model.steps == 0
