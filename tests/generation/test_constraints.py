"""Rules that hold in every search: bans, lengths, n-grams, forced prefixes."""

from __future__ import annotations

import pytest
import torch
from tests.generation.oracle import EOS, Oracle, Tape, asked, every_hypothesis, log_probs_after, sources

from weft.base.errors import ConfigError
from weft.generation.hypothesis import Hypothesis
from weft.generation.search import search
from weft.generation.settings import Sampling, SearchSettings

WAYS = {
    "greedy": SearchSettings(beam=1),
    "beam": SearchSettings(beam=5, nbest=5),
    "sampling": SearchSettings(nbest=3, sampling=Sampling(temperature=2.0)),
}
every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
PREFIXES: list[list[int]] = [[3, 5, 3], [], [7], [4, 4, 4, 4, 4], [], [9, EOS], [EOS]]


def found(
    way: SearchSettings, *, early: float = 0.0, prefix: list[list[int]] | None = None, **rules: object
) -> list[list[Hypothesis]]:
    """What the search finds for seven sources under these rules."""
    model, source = Oracle(11, early=early), sources(7)
    settings = SearchSettings(**{**vars(way), **rules})
    draws = torch.Generator().manual_seed(3)
    result = search(model, **asked(model, source), settings=settings, prefix=prefix, generator=draws)
    return [list(ranked) for ranked in result.hypotheses]


def each(ranked: list[list[Hypothesis]]) -> list[Hypothesis]:
    assert all(ranked)
    return [hypothesis for one in ranked for hypothesis in one]


@every_way
def test_banned_tokens_never_come(way: SearchSettings) -> None:
    banned = (0, 3, 4, 7, 8, 10)
    assert any(set(one.tokens) & set(banned) for one in each(found(way)))
    assert not any(set(one.tokens) & set(banned) for one in each(found(way, banned=banned)))


@every_way
@pytest.mark.parametrize("longest", [1, 2, 5, 13])
def test_max_length_holds(way: SearchSettings, longest: int) -> None:
    hypotheses = each(found(way, max_length=longest))
    assert all(len(one.tokens) <= longest for one in hypotheses)
    assert all(one.finished == (one.tokens[-1] == EOS) for one in hypotheses)
    assert all(one.finished or len(one.tokens) == longest for one in hypotheses)


@every_way
@pytest.mark.parametrize("shortest", [2, 5, 7])
def test_min_length_holds(way: SearchSettings, shortest: int) -> None:
    assert any(len(one.tokens) < shortest for one in each(found(way, early=3.0)))
    assert all(len(one.tokens) >= shortest for one in each(found(way, early=3.0, min_length=shortest)))


@every_way
def test_the_source_bounds_the_length(way: SearchSettings) -> None:
    rules = {"early": -50.0, "max_length_ratio": 0.5, "max_length_offset": 2}
    for ranked, length in zip(found(way, **rules), sources(7).lengths.tolist(), strict=True):
        assert {len(one.tokens) for one in ranked} == {length // 2 + 2}
        assert not any(one.finished for one in ranked)


@every_way
@pytest.mark.parametrize("size", [1, 2, 3])
def test_no_ngram_comes_twice(way: SearchSettings, size: int) -> None:
    def repeats(one: Hypothesis) -> bool:
        grams = [one.tokens[place : place + size] for place in range(len(one.tokens) - size + 1)]
        return len(set(grams)) < len(grams)

    free = {"banned": (0, 1, 3, 4, 5, 6, 7), "early": -2.0, "max_length": 19}
    assert any(repeats(one) for one in each(found(way, **free)))
    assert not any(repeats(one) for one in each(found(way, no_repeat_ngram=size, **free)))


@every_way
def test_a_forced_prefix_is_kept_and_counts(way: SearchSettings) -> None:
    model, source = Oracle(11), sources(7)
    for row, ranked in enumerate(found(way, prefix=PREFIXES)):
        assert ranked
        for one in ranked:
            assert list(one.tokens[: len(PREFIXES[row])]) == PREFIXES[row]
            own = [
                log_probs_after(model, source, row, one.tokens[:time])[token] for time, token in enumerate(one.tokens)
            ]
            assert one.token_log_probabilities == pytest.approx([float(each) for each in own], abs=1e-10)


@every_way
def test_an_empty_prefix_is_none(way: SearchSettings) -> None:
    assert found(way, prefix=[[]] * 7) == found(way)


@every_way
def test_a_forced_prefix_beats_every_ban(way: SearchSettings) -> None:
    rules = {"banned": (3, 4, 5, 7, 9), "no_repeat_ngram": 1, "min_length": 5}
    for ranked, prefix in zip(found(way, prefix=PREFIXES, **rules), PREFIXES, strict=True):
        assert all(list(one.tokens[: len(prefix)]) == prefix for one in ranked)


@every_way
def test_a_prefix_may_be_as_long_as_the_limit(way: SearchSettings) -> None:
    ranked = found(way, prefix=PREFIXES, max_length=5)
    assert [one.tokens for one in ranked[3]] == [(4, 4, 4, 4, 4)] * (3 if way.sampling else 1)


@every_way
def test_a_prefix_lengthens_the_source_relative_limit(way: SearchSettings) -> None:
    ranked = found(way, prefix=PREFIXES, early=-50.0, max_length_ratio=0.0, max_length_offset=2)
    assert [len(one[0].tokens) for one in ranked] == [4, 2, 2, 6, 2, 2, 1]


def test_a_beam_with_a_prefix_is_brute_force_of_the_rest() -> None:
    model, source = Oracle(5, seed=31), sources(3)
    prefix = [[3], [], [4, 1]]
    settings = SearchSettings(beam=347, nbest=13, max_length=4)
    result = search(model, **asked(model, source), settings=settings, prefix=prefix)
    for row, ranked in enumerate(result.hypotheses):
        whole = every_hypothesis(model, source, row, longest=4, alpha=1.0)
        wanted = [tokens for _, _, tokens in whole if list(tokens[: len(prefix[row])]) == prefix[row]]
        assert [one.tokens for one in ranked] == wanted[:13]


@every_way
def test_where_only_the_end_is_left_it_comes(way: SearchSettings) -> None:
    everything = tuple(range(11))
    but_the_end = tuple(set(everything) - {EOS})
    for banned, shortest in [(but_the_end, 0), (everything, 0), (but_the_end, 5)]:
        assert {one.tokens for one in each(found(way, banned=banned, min_length=shortest))} == {(EOS,)}
    # All 11 tokens but the start token, which counts as written.
    assert {len(one.tokens) for one in each(found(way, no_repeat_ngram=1, banned=(EOS,), max_length=23))} == {10}


def test_a_banned_end_cuts_at_the_limit() -> None:
    assert not any(one.finished for one in each(found(WAYS["beam"], banned=(EOS,), max_length=7)))


def test_a_prefix_that_does_not_fit() -> None:
    with pytest.raises(ConfigError, match=r"must fit max_length = 3, got one of 5 tokens; raise max_length or shorten"):
        found(WAYS["beam"], prefix=PREFIXES, max_length=3)


def test_a_prefix_that_goes_on_after_its_end() -> None:
    with pytest.raises(ConfigError, match=r"may have </s> \(id 2\) at its end only, got \[3, 2, 5\]; cut it there"):
        found(WAYS["beam"], prefix=[[3, EOS, 5], *PREFIXES[1:]])


def test_a_finished_prefix_with_a_record() -> None:
    model, source = Oracle(11), sources(7)
    tape = Tape()
    result = search(model, **asked(model, source), prefix=PREFIXES, record=tape, settings=SearchSettings(max_length=5))
    assert len(result.hypotheses[6][0].slots or ()) == 1
    assert len(result.hypotheses[3][0].slots or ()) == 6
    assert len(tape.states) == len(result.rows) == 6
