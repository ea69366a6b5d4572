"""The tasks of long sources: what is asked for stands in the source once, and where the task says."""

from __future__ import annotations

import pytest
import torch

from retrieval_tasks import FIRST_KEY, FIRST_NOISE, FIRST_PAIR, NUM_VALUES, TASKS, VOCABULARY_SIZE, draw

LENGTH, NUM = 256, 5


def drawn(task):
    return draw(task, num=NUM, length=LENGTH, generator=torch.Generator().manual_seed(1))


def pairs_of(source):
    """Keys and values of a source, in the order in which they stand."""
    return [divmod(token - FIRST_PAIR, NUM_VALUES) for token in source.tolist() if token >= FIRST_PAIR]


@pytest.mark.parametrize(("task", "num_pairs"), [("needle", 1), ("pairs", 16), ("in order", 16)])
def test_a_source_is_noise_with_pairs_of_different_keys(task, num_pairs):
    asked = drawn(task)
    assert asked.source.shape == (NUM, LENGTH)
    assert int(asked.source.min()) >= FIRST_NOISE
    assert int(asked.source.max()) < VOCABULARY_SIZE
    for source in asked.source:
        assert len({key for key, _ in pairs_of(source)}) == len(pairs_of(source)) == num_pairs


def test_a_pair_is_asked_for_by_its_key():
    asked = drawn("pairs")
    for source, given, wanted in zip(asked.source, asked.given, asked.wanted, strict=True):
        values = dict(pairs_of(source))
        assert [values[key - FIRST_KEY] for key in given.tolist()] == wanted.tolist()


@pytest.mark.parametrize("task", ["needle", "in order"])
def test_others_are_asked_for_in_the_order_in_which_they_stand(task):
    asked = drawn(task)
    for source, wanted in zip(asked.source, asked.wanted, strict=True):
        assert pairs_of(source) == list(enumerate(wanted.tolist()))


@pytest.mark.parametrize("task", TASKS)
def test_another_seed_draws_other_sources(task):
    other = draw(task, num=NUM, length=LENGTH, generator=torch.Generator().manual_seed(2))
    assert not torch.equal(other.source, drawn(task).source)
