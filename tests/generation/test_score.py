"""Forced decoding: what given targets are worth."""

from __future__ import annotations

import pytest
import torch
from tests.generation.oracle import EOS, START, Oracle, Tape, asked, log_probs_after, same, sources

from weft.base.errors import ConfigError, DataError, ShapeError
from weft.base.padded import Padded
from weft.generation.hypothesis import Result
from weft.generation.score import score
from weft.generation.search import search
from weft.generation.settings import SearchSettings

TARGETS = [[3, 5, 7, EOS], [EOS], [4, 4, 4, 4, 4, 4], [10], [9, 8, 7, 6, 5, 4, 3, EOS]]


def scored(targets: list[list[int]], **more: object) -> Result:
    model, source = Oracle(11), sources(5)
    arguments = asked(model, source)
    return score(model, arguments["memory"], start=arguments["start"], targets=targets, eos=EOS, **more)


@pytest.mark.parametrize("settings", [SearchSettings(beam=1), SearchSettings(beam=5, nbest=3, max_length=7)])
def test_a_search_s_own_hypotheses_score_the_same(settings: SearchSettings) -> None:
    model, source = Oracle(11), sources(5)
    arguments = asked(model, source)
    ranked = search(model, **arguments, settings=settings).hypotheses
    for place in range(settings.nbest):
        found = [one[place] for one in ranked]
        again = score(
            model, arguments["memory"], start=arguments["start"], targets=[each.tokens for each in found], eos=EOS
        )
        for mine, other in zip(again.best, found, strict=True):
            same(mine, other)


def test_each_token_has_the_model_s_log_probability() -> None:
    model, source = Oracle(11), sources(5)
    for row, (best, target) in enumerate(zip(scored(TARGETS).best, TARGETS, strict=True)):
        wanted = [
            float(log_probs_after(model, source, row, tuple(target[:time]))[token]) for time, token in enumerate(target)
        ]
        assert list(best.tokens) == target
        assert best.finished == (target[-1] == EOS)
        assert best.token_log_probabilities == pytest.approx(wanted, abs=1e-10)


@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.5])
def test_the_score_is_length_normalised(alpha: float) -> None:
    for best in scored(TARGETS, length_penalty=alpha).best:
        assert best.score == pytest.approx(best.log_probability / len(best.tokens) ** alpha, abs=1e-12)


def test_sources_that_are_done_leave_the_batch() -> None:
    assert [len(rows) for rows in scored(TARGETS).rows] == [5, 3, 3, 3, 2, 2, 1, 1]


def test_slots_lead_through_the_recorded_steps() -> None:
    model, source, tape = Oracle(11), sources(5), Tape()
    keys = model.encode(source).keys
    result = scored(TARGETS, record=tape)
    assert len(tape.states) == len(result.rows)
    for row, best in enumerate(result.best):
        assert best.slots == (0,) * (len(best.tokens) + (not best.finished))
        state = keys[row]
        for time in range(len(best.slots)):
            state = model.read(state, torch.tensor((START, *best.tokens)[time]))
            assert tape.states[time][result.rows[time].tolist().index(row), 0] == state


def test_nothing_to_score() -> None:
    model, none = Oracle(11), Padded(torch.zeros(0, 1, dtype=torch.long), torch.zeros(0, 1, dtype=torch.bool))
    found = score(model, model.encode(none), start=torch.zeros(0, dtype=torch.long), targets=[], eos=EOS)
    assert found == Result((), ())


def test_targets_that_cannot_be_scored() -> None:
    with pytest.raises(DataError, match=r"at least one token, got none for source 1; end it with </s>"):
        scored([[3], [], [3], [3], [3]])
    with pytest.raises(ConfigError, match=r"at its end only, got \[2, 3\]"):
        scored([[3], [EOS, 3], [3], [3], [3]])
    with pytest.raises(ShapeError, match=r"got 5, 5 and 2"):
        scored([[3], [3]])
