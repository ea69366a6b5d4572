"""Laws of batches: every row once, never above the budget, and the same again after a stop."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from weft.base.errors import ConfigError
from weft.data.batch import Batch, TokenBatches, collate, cut_by_budget, order_by_lengths, padding_efficiency
from weft.data.corpus import Example, Lengths, PairCorpus
from weft.data.dropout import SubwordDropout
from weft.data.mixture import Mixture
from weft.data.tokenizer import Tokenizer


class _Made:
    """Examples of given lengths; ids tell row and place."""

    def __init__(self, lengths: list[tuple[int, int]]) -> None:
        self._lengths = np.array(lengths, dtype=np.int64).reshape(-1, 2)

    def __len__(self) -> int:
        return len(self._lengths)

    def lengths(self, epoch: int) -> Lengths:
        return Lengths(self._lengths[:, 0], self._lengths[:, 1])

    def draw(self, epoch: int) -> np.ndarray:
        return np.arange(len(self))

    def example(self, row: int, epoch: int) -> Example:
        source, target = self._lengths[row]
        return Example(np.full(source, 100 + row, np.int32), np.full(target, 200 + row, np.int32), 3)


lengths = st.lists(st.tuples(st.integers(0, 23), st.integers(0, 23)), min_size=1, max_size=53)


def _real(seed: int, rows: int) -> _Made:
    """Lengths as of real text: geometric tails, the two sides alike."""
    generator = np.random.default_rng(seed)
    source = generator.gamma(3.0, 4.0, rows).astype(int) + 1
    target = np.maximum(1, source * generator.normal(1.1, 0.2, rows)).astype(int)
    return _Made(list(zip(source.tolist(), target.tolist(), strict=True)))


def _same(one: Batch, two: Batch) -> bool:
    return (
        one.epoch == two.epoch
        and np.array_equal(one.rows, two.rows)
        and torch.equal(one.source.values, two.source.values)
        and torch.equal(one.target_input, two.target_input)
        and torch.equal(one.target_output.values, two.target_output.values)
    )


@given(lengths=lengths, tokens=st.integers(1, 211), seed=st.integers(0, 97))
def test_an_epoch_visits_every_row_once(lengths: list[tuple[int, int]], tokens: int, seed: int) -> None:
    plans = TokenBatches(_Made(lengths), tokens=tokens, seed=seed).plan(3)
    assert sorted(row for plan in plans for row in plan.rows) == list(range(len(lengths)))


@given(lengths=lengths, tokens=st.integers(1, 211))
def test_no_batch_exceeds_the_budget_but_a_lone_example(lengths: list[tuple[int, int]], tokens: int) -> None:
    batches = TokenBatches(_Made(lengths), tokens=tokens, seed=1)
    for batch in map(batches.build, batches.plan(0)):
        assert batch.padded_tokens <= tokens or len(batch) == 1


@given(lengths=lengths, stop=st.integers(0, 41), seed=st.integers(0, 97))
def test_after_a_stop_batches_go_on_identically(lengths: list[tuple[int, int]], stop: int, seed: int) -> None:
    def fresh() -> TokenBatches:
        return TokenBatches(_Made(lengths), tokens=97, seed=seed)

    never_stopped, stopped, resumed = fresh(), fresh(), fresh()
    expected = list(islice(never_stopped, stop + 7))[stop:]
    stopped.group(stop)
    resumed.load_state_dict(stopped.state_dict())
    assert all(_same(*pair) for pair in zip(expected, islice(resumed, 7), strict=True))
    assert resumed.state_dict() == never_stopped.state_dict()


def test_epochs_differ_and_seeds_differ_and_the_same_are_the_same() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        plans = TokenBatches(_real(1, 499), tokens=997, seed=seed).plan(epoch)
        return [int(row) for plan in plans for row in plan.rows]

    assert order(3, 0) == order(3, 0)
    assert order(3, 0) != order(3, 1)
    assert order(3, 0) != order(4, 0)


def test_batches_come_in_no_order_of_length() -> None:
    batches = TokenBatches(_real(1, 1999), tokens=997, seed=1)
    widths = [batch.source.values.shape[1] for batch in map(batches.build, batches.plan(0))]
    correlation = np.corrcoef(widths, range(len(widths)))[0, 1]
    assert abs(correlation) < 0.4


def test_shares_of_a_group_are_the_stream() -> None:
    one, many = (TokenBatches(_real(2, 101), tokens=211, seed=5) for _ in range(2))
    alone = list(islice(one, 12))
    shares = [many.build(plan) for _ in range(4) for plan in many.group(3)]
    assert all(_same(*pair) for pair in zip(alone, shares, strict=True))


def test_plans_are_not_built_until_asked() -> None:
    class Counting(_Made):
        built = 0

        def example(self, row: int, epoch: int) -> Example:
            self.built += 1
            return super().example(row, epoch)

    examples = Counting([(3, 5)] * 31)
    batches = TokenBatches(examples, tokens=40, seed=1)
    plans = batches.group(7)
    assert examples.built == 0
    batches.build(plans[2])
    assert examples.built == len(plans[2].rows)


def test_a_batch_ends_sources_and_starts_targets_with_the_tag() -> None:
    batch = collate(
        [_Made([(2, 3)]).example(0, 0), Example(np.array([7]), np.array([11]), 5)], epoch=2, rows=np.array([0, 1])
    )
    assert batch.source.values.tolist() == [[100, 100, 2], [7, 2, 0]]
    assert batch.source.keep.tolist() == [[True, True, True], [True, True, False]]
    assert batch.target_input.tolist() == [[3, 200, 200, 200], [5, 11, 0, 0]]
    assert batch.target_output.values.tolist() == [[200, 200, 200, 2], [11, 2, 0, 0]]
    assert batch.target_output.keep.tolist() == [[True] * 4, [True, True, False, False]]
    assert (batch.real_tokens, batch.padded_tokens, len(batch), batch.epoch) == (11, 14, 2, 2)
    moved = batch.to("cpu")
    assert _same(batch, moved)


def test_padding_efficiency_on_lengths_like_those_of_text() -> None:
    batches = TokenBatches(_real(1, 4999), tokens=2003, seed=1)
    assert padding_efficiency(map(batches.build, batches.plan(0))) > 0.9


@given(lengths=lengths, seed=st.integers(0, 97))
def test_the_order_is_a_permutation(lengths: list[tuple[int, int]], seed: int) -> None:
    sources, targets = np.array(lengths).T
    order = order_by_lengths(sources, targets, np.random.default_rng(seed))
    assert sorted(order) == list(range(len(lengths)))


def test_cuts_of_nothing_and_of_one() -> None:
    nothing = np.zeros(0, np.int64)
    assert cut_by_budget(nothing, nothing, tokens=7) == [0]
    assert cut_by_budget(np.array([11]), np.array([13]), tokens=7) == [0, 1]
    assert cut_by_budget(np.array([2, 2, 2]), np.array([1, 1, 1]), tokens=6) == [0, 2, 3]


@pytest.mark.parametrize("change", [{"tokens": 98}, {"seed": 2}, {"rows": 12}])
def test_resuming_with_something_else_is_refused(change: dict[str, int]) -> None:
    state = TokenBatches(_Made([(3, 5)] * 11), tokens=97, seed=1).state_dict()
    settings = {"tokens": 97, "seed": 1, "rows": 11} | change
    other = TokenBatches(_Made([(3, 5)] * settings["rows"]), tokens=settings["tokens"], seed=settings["seed"])
    (name, value), *_ = change.items()
    with pytest.raises(ConfigError, match=rf"{name} must be {state[name]}, got {value}; resume with the same data"):
        other.load_state_dict(state)


def test_an_impossible_budget_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"tokens must be at least 1, got 0; a batch of 2,000 to 25,000 tokens is usual"
    ):
        TokenBatches(_Made([(3, 5)]), tokens=0, seed=1)


def test_a_mixture_with_dropout_batches_and_resumes(tokenizer: Tokenizer) -> None:
    def stream() -> TokenBatches:
        corpora = [
            PairCorpus.build([(f"The dog sleeps {i}", f"Le chien dort {i}") for i in range(size)], tokenizer,
                             target_language=language)
            for size, language in ((53, "fr"), (7, "es"))
        ]  # fmt: skip
        mixture = Mixture(corpora, seed=1, temperature=5)
        return TokenBatches(SubwordDropout(mixture, tokenizer, probability=0.2, seed=1), tokens=307, seed=1)

    whole, resumed = stream(), stream()
    expected = list(islice(whole, 23))
    assert all(batch.padded_tokens <= 307 for batch in expected)
    assert {int(tag) for batch in expected for tag in batch.target_input[:, 0]} == {3, 4}
    stopped = stream()
    stopped.group(11)
    resumed.load_state_dict(stopped.state_dict())
    assert all(_same(*pair) for pair in zip(expected[11:], islice(resumed, 12), strict=True))
