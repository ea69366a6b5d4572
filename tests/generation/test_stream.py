"""Prefixes that are certain while the search goes on."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import settings as run_with
from hypothesis import strategies as st
from tests.generation.oracle import EOS, Oracle, Tape, asked, every_hypothesis, sources

from weft.base.errors import ConfigError, UnsupportedError
from weft.base.padded import Padded
from weft.generation.hypothesis import Result
from weft.generation.search import search
from weft.generation.settings import Sampling, SearchSettings
from weft.generation.stream import Progress, Trace, common_prefixes, search_steps


@run_with(deadline=None, max_examples=31)
@given(
    seed=st.integers(0, 997),
    early=st.sampled_from([-3.0, 0.0, 2.0]),
    sharpness=st.sampled_from([1.0, 5.0]),
    beam=st.sampled_from([1, 2, 5]),
    alpha=st.sampled_from([0.0, 0.6, 1.5]),
    longest=st.sampled_from([1, 5, 17]),
)
def test_what_is_shown_is_never_taken_back(
    seed: int, early: float, sharpness: float, beam: int, alpha: float, longest: int
) -> None:
    model, source = Oracle(7, seed=seed, early=early, sharpness=sharpness), sources(5, seed)
    settings = SearchSettings(beam=beam, nbest=1 + beam // 2, length_penalty=alpha, max_length=longest)
    shown: tuple[tuple[int, ...], ...] = ((),) * 5
    updates = list(search_steps(model, **asked(model, source), settings=settings))
    for update in updates:
        for before, now in zip(shown, update.stable, strict=True):
            assert now[: len(before)] == before
        shown = update.stable
    result = updates[-1].result
    assert result is not None
    assert all(update.result is None for update in updates[:-1])
    assert shown == tuple(best.tokens for best in result.best)
    plain = search(model, **asked(model, source), settings=settings)
    assert shown == tuple(best.tokens for best in plain.best)


@pytest.mark.parametrize("seed", range(29))
def test_one_that_ended_may_yet_be_passed(seed: int) -> None:
    """A penalty that favours length: what ended early often loses, so live hypotheses must still count."""
    model, source = Oracle(7, seed=seed, early=1.0), sources(3, seed)
    settings = SearchSettings(beam=7, length_penalty=1.5, max_length=7)
    *updates, last = search_steps(model, **asked(model, source), settings=settings)
    for update in updates:
        assert all(now[: len(sure)] == sure for sure, now in zip(update.stable, last.stable, strict=True))


def test_every_update_but_the_last_says_more() -> None:
    model, source = Oracle(11, early=-3.0, sharpness=7.0), sources(3)
    *updates, _ = search_steps(model, **asked(model, source), settings=SearchSettings(max_length=29))
    sizes = [sum(map(len, update.stable)) for update in updates]
    assert sizes == sorted(set(sizes))
    assert sizes[0] > 0


@pytest.mark.parametrize("beam", [1, 5])
def test_the_first_text_comes_early(beam: int) -> None:
    """Of a long sentence, before 30 % of its steps."""
    model, source = Oracle(11, early=-9.0, sharpness=7.0), sources(1)
    first = next(search_steps(model, **asked(model, source), settings=SearchSettings(beam=beam)))
    assert first.stable[0]
    early = model.steps
    search(model, **asked(model, source), settings=SearchSettings(beam=beam))
    assert early < 0.3 * (model.steps - early)


def test_greedy_shows_every_token_at_once() -> None:
    model, source = Oracle(11, early=-1.0), sources(1)
    updates = list(search_steps(model, **asked(model, source), settings=SearchSettings(beam=1)))
    assert [len(update.stable[0]) for update in updates] == list(range(1, len(updates) + 1))


def test_a_forced_prefix_is_shown_as_it_is_read() -> None:
    model, source = Oracle(11), sources(2)
    updates = list(search_steps(model, **asked(model, source), prefix=[[3, 5, 7], [9]]))
    assert updates[0].stable == ((3,), (9,))
    assert updates[1].stable[0][:2] == (3, 5)


def test_the_certain_is_all_that_is_certain() -> None:
    """In a beam as wide as the space, certain is what all that can still win share, and no more."""
    model, source = Oracle(5, seed=31, early=2.0), sources(1)
    settings = SearchSettings(beam=347, length_penalty=0.0, max_length=4)
    *updates, last = search_steps(model, **asked(model, source), settings=settings)
    (_, _, best), *_ = every_hypothesis(model, source, 0, longest=4, alpha=0.0)
    assert last.stable == (best,)
    assert all(best[: len(update.stable[0])] == update.stable[0] for update in updates)


def test_the_record_is_that_of_a_search() -> None:
    model, source = Oracle(11), sources(5)
    streamed, searched = Tape(), Tape()
    *_, last = search_steps(model, **asked(model, source), record=streamed)
    result = search(model, **asked(model, source), record=searched)
    assert last.result is not None
    assert last.result.hypotheses == result.hypotheses
    assert all(torch.equal(one, two) for one, two in zip(streamed.states, searched.states, strict=True))


@pytest.mark.parametrize("beam", [1, 5])
@pytest.mark.parametrize("longest", [5, 29])
def test_traces_are_those_of_the_best(beam: int, longest: int) -> None:
    """Slots and log-probabilities of the prefix, of the steps that were run; without a record there are none."""
    model, source = Oracle(11, early=-1.0, sharpness=5.0), sources(5)
    settings = SearchSettings(beam=beam, length_penalty=1.5, max_length=longest)
    *updates, last = search_steps(model, **asked(model, source), settings=settings, record=Tape())
    assert last.result is not None
    for update in updates:
        for tokens, trace, best in zip(update.stable, update.traces, last.result.best, strict=True):
            assert best.slots is not None
            assert trace.slots == best.slots[: len(trace.slots)]
            assert trace.log_probabilities == best.token_log_probabilities[: len(trace.log_probabilities)]
            written = len(tokens) - (tokens[-1:] == (EOS,))
            assert len(trace.log_probabilities) == written
            assert not tokens or written <= len(trace.slots) <= written + 1
    read = [
        len(trace.slots) > len(tokens) > 0
        for one in updates
        for trace, tokens in zip(one.traces, one.stable, strict=True)
    ]
    assert any(read) == (beam > 1)  # greedy search is sure of a token before it has been read
    unrecorded = next(search_steps(model, **asked(model, source), settings=settings))
    assert all(trace == Trace() for trace in unrecorded.traces)


def test_common_prefixes_of_those_that_count() -> None:
    tokens = torch.tensor(
        [[[3, 3, 4], [5, 5, 5], [7, 7, 7]], [[4, 5, 4], [6, 6, 6], [7, 7, 7]], [[1, 1, 1], [-1, 8, 8], [7, 7, 7]]]
    )
    counts = torch.tensor([[True, True, False], [True, False, True], [False, False, False]])
    assert common_prefixes(tokens, counts) == [[3], [5, 6], []]


def test_no_sources_no_progress() -> None:
    model, none = Oracle(11), Padded(torch.zeros(0, 1, dtype=torch.long), torch.zeros(0, 1, dtype=torch.bool))
    assert list(search_steps(model, **asked(model, none))) == [Progress((), Result((), ()))]


def test_what_cannot_be_streamed() -> None:
    model, source = Oracle(11), sources(2)
    with pytest.raises(
        UnsupportedError, match=r"greedy or beam search, got sampling; leave `sampling` out, or `search`"
    ):
        next(search_steps(model, **asked(model, source), settings=SearchSettings(sampling=Sampling())))
    with pytest.raises(ConfigError, match="at its end only"):
        next(search_steps(model, **asked(model, source), prefix=[[EOS, 3], []]))
