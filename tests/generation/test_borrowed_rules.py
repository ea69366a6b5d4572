"""Rules that other toolkits' models ask for: given tokens, what counts, when to stop, what ranks where."""

from __future__ import annotations

import pytest
import torch
from tests.generation.oracle import EOS, Oracle, asked, sources

from weft.base.errors import ConfigError
from weft.generation.hypothesis import Hypothesis
from weft.generation.search import search
from weft.generation.settings import SearchSettings

WAYS = {"greedy": {"beam": 1}, "beam": {"beam": 5, "nbest": 5}}
every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())


def found(prefix: list[list[int]] | None = None, *, early: float = 0.0, **rules: object) -> list[list[Hypothesis]]:
    model, source = Oracle(11, early=early), sources(7)
    result = search(model, **asked(model, source), settings=SearchSettings(**rules), prefix=prefix)
    return [list(ranked) for ranked in result.hypotheses]


def each(ranked: list[list[Hypothesis]]) -> list[Hypothesis]:
    assert all(ranked)
    return [one for many in ranked for one in many]


@every_way
def test_a_given_first_token_costs_nothing_and_is_in_the_length(way: dict[str, int]) -> None:
    for one in each(found(forced_first=7, **way)):
        assert one.tokens[0] == 7
        assert one.token_log_probabilities[0] == 0.0
        assert one.score == pytest.approx(one.log_probability / len(one.tokens))


@every_way
def test_a_prefix_that_does_not_count(way: dict[str, int]) -> None:
    prefix = [[3, 5], [], [7], [4, 4, 4], [], [9], [8, 8]]
    for ranked, begun in zip(found(prefix, prefix_counts=False, **way), prefix, strict=True):
        for one in ranked:
            assert list(one.tokens[: len(begun)]) == begun
            assert one.token_log_probabilities[: len(begun)] == (0.0,) * len(begun)
            assert one.score == pytest.approx(one.log_probability / (len(one.tokens) - len(begun)))


@every_way
def test_at_its_limit_a_hypothesis_ends_for_nothing(way: dict[str, int]) -> None:
    for one in each(found(forced_end=True, early=-50.0, max_length=6, **way)):
        assert (one.tokens[-1], one.finished, one.token_log_probabilities[-1]) == (EOS, True, 0.0)


@every_way
def test_what_may_not_come_first_and_what_may_not_follow(way: dict[str, int]) -> None:
    free = each(found(**way))
    first = {one.tokens[0] for one in free}
    assert not first & {one.tokens[0] for one in each(found(banned_first=tuple(first), **way))}
    pairs = tuple({pair for one in free for pair in zip(one.tokens, one.tokens[1:], strict=False)})
    without = each(found(banned_sequences=pairs, **way))
    assert not set(pairs) & {pair for one in without for pair in zip(one.tokens, one.tokens[1:], strict=False)}
    behind = found([[3]] * 7, banned_first=tuple(first), **way)
    assert not first & {one.tokens[1] for one in each(behind)}


@every_way
def test_what_is_left_can_sum_to_one(way: dict[str, int]) -> None:
    banned = tuple(token for token in range(11) if token not in (5, EOS))
    assert all(
        len(one.tokens) < 2 or one.token_log_probabilities[0] > -5
        for one in each(found(banned=banned, renormalise=True, max_length=9, **way))
    )
    alone = each(found(banned=tuple(token for token in range(11) if token != EOS), renormalise=True, **way))
    assert {one.log_probability for one in alone} == {0.0}


def test_stopping_later_finds_no_less() -> None:
    rules = {"beam": 3, "length_penalty": 1.5, "max_length": 15}
    by_rule = {stopping: found(stopping=stopping, **rules) for stopping in ("full", "likely", "certain")}
    scores = {rule: [ranked[0].score for ranked in many] for rule, many in by_rule.items()}
    assert all(later >= sooner for sooner, later in zip(scores["full"], scores["likely"], strict=True))
    assert all(later >= sooner for sooner, later in zip(scores["likely"], scores["certain"], strict=True))


def test_what_was_cut_ranks_behind_or_among() -> None:
    rules = {"beam": 5, "nbest": 5, "max_length": 3, "early": -1.0}
    behind, among = found(**rules), found(cut="among", **rules)
    for one, other in zip(behind, among, strict=True):
        ends = [hypothesis.finished for hypothesis in one]
        assert ends == sorted(ends, reverse=True)
        scores = [hypothesis.score for hypothesis in other]
        assert scores == sorted(scores, reverse=True)
    assert any(a != b for a, b in zip(behind, among, strict=True))


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"forced_first": 11}, "forced_first must be ids below the vocabulary size 11"),
        ({"banned_first": (12,)}, "banned_first must be ids"),
        ({"banned_sequences": ((3, 99),)}, "banned_sequences must be ids"),
        ({"banned_sequences": ((),)}, "a banned sequence must have a token"),
        ({"max_length_ratio": None}, "without max_length_ratio max_length must be set"),
    ],
)
def test_what_cannot_be_asked_for(rules: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        found(**rules)


def test_without_a_ratio_the_length_is_that_which_is_set() -> None:
    assert {len(one.tokens) for one in each(found(early=-50.0, max_length_ratio=None, max_length=8))} == {8}
    assert torch.is_grad_enabled()
