"""Laws of BPE dropout: none is plain merging, all is bytes, and the text is always the same."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.base.errors import ConfigError
from weft.data.corpus import PairCorpus
from weft.data.dropout import SubwordDropout, scramble, segment
from weft.data.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def corpus(tokenizer: Tokenizer) -> PairCorpus:
    pairs = [(f"The big red dog sleeps {i}.", f"L'homme aux cheveux blonds {i}.") for i in range(31)]
    return PairCorpus.build(pairs, tokenizer, target_language="fr")


@given(text=st.text() | st.sampled_from(["Don't you see l'homme?", "aaaaaaaaaa", "the dog the dog"]))
def test_probability_zero_is_plain_merging(tokenizer: Tokenizer, text: str) -> None:
    merges = tokenizer.merges()
    ids: list[int] = []
    for piece in tokenizer.pieces(text):
        ids += segment(tokenizer.byte_ids(piece), merges, probability=0.0, generator=random.Random(1))
    assert ids == tokenizer.encode(text).ids


def test_probability_one_leaves_bytes(tokenizer: Tokenizer) -> None:
    (piece,) = tokenizer.pieces("sleeps")
    ids = tokenizer.byte_ids(piece)
    assert segment(ids, tokenizer.merges(), probability=1.0, generator=random.Random(1)) == ids


@given(probability=st.floats(0, 1), seed=st.integers(0, 997))
def test_every_cut_is_of_the_same_text(tokenizer: Tokenizer, probability: float, seed: int) -> None:
    (piece,) = tokenizer.pieces("sleeps")
    generator = random.Random(seed)
    ids = segment(tokenizer.byte_ids(piece), tokenizer.merges(), probability=probability, generator=generator)
    assert tokenizer.decode(ids) == "sleeps"


def test_one_merge_is_dropped_as_often_as_asked(tokenizer: Tokenizer) -> None:
    (pair, merge), *_ = tokenizer.merges().items()
    generator = random.Random(7)
    merges = {pair: merge}
    kept = sum(segment(pair, merges, probability=0.3, generator=generator) == [merge.token] for _ in range(5003))
    assert abs(kept / 5003 - 0.7) < 0.02


def test_dropout_zero_gives_the_corpus_itself(tokenizer: Tokenizer, corpus: PairCorpus) -> None:
    dropped = SubwordDropout(corpus, tokenizer, probability=0.0, seed=3)
    assert len(dropped) == len(corpus)
    np.testing.assert_array_equal(dropped.draw(2), corpus.draw(2))
    for row in range(len(corpus)):
        one, two = dropped.example(row, 5), corpus.example(row, 5)
        assert (one.source.tolist(), one.target.tolist(), one.tag) == (
            two.source.tolist(),
            two.target.tolist(),
            two.tag,
        )
    for one_side, two_side in zip(_sides(dropped, 1), _sides(corpus, 1), strict=True):
        np.testing.assert_array_equal(one_side, two_side)


def test_examples_are_a_pure_function_of_seed_epoch_and_row(tokenizer: Tokenizer, corpus: PairCorpus) -> None:
    one, two, other = (SubwordDropout(corpus, tokenizer, probability=0.3, seed=seed) for seed in (3, 3, 4))
    one.lengths(0)  # visited in another order
    assert _ids(one, 2, range(31)) == _ids(two, 2, reversed(range(31)))[::-1]
    assert _ids(one, 2, range(31)) != _ids(one, 1, range(31))
    assert _ids(one, 2, range(31)) != _ids(other, 2, range(31))


def test_lengths_and_texts_are_those_of_the_examples(tokenizer: Tokenizer, corpus: PairCorpus) -> None:
    dropped = SubwordDropout(corpus, tokenizer, probability=0.3, seed=3)
    for epoch in (0, 7):
        sources, targets = _sides(dropped, epoch)
        for row in range(len(corpus)):
            example = dropped.example(row, epoch)
            assert (sources[row], targets[row]) == (len(example.source), len(example.target))
            assert (tokenizer.decode(example.source), tokenizer.decode(example.target)) == dropped.texts(row)


def test_scrambled_numbers_do_not_depend_on_their_neighbours_and_are_uniform() -> None:
    whole = scramble(np.arange(10_007), key=np.uint64(2**63 + 11))
    np.testing.assert_array_equal(scramble(np.arange(5003, 5011), key=np.uint64(2**63 + 11)), whole[5003:5011])
    assert (scramble(np.arange(10_007), key=np.uint64(13)) != whole).mean() > 0.99
    counts = np.bincount(whole % 32, minlength=32)
    assert abs(counts - 10_007 / 32).max() < 80


def test_an_impossible_probability_is_refused(tokenizer: Tokenizer, corpus: PairCorpus) -> None:
    with pytest.raises(ConfigError, match=r"probability of dropout must be from 0 to 1, got 1.5; 0.1 is usual"):
        SubwordDropout(corpus, tokenizer, probability=1.5, seed=1)


def _sides(examples: SubwordDropout | PairCorpus, epoch: int) -> tuple[np.ndarray, np.ndarray]:
    lengths = examples.lengths(epoch)
    return lengths.source, lengths.target


def _ids(examples: SubwordDropout, epoch: int, rows: range) -> list[list[int]]:
    return [examples.example(row, epoch).source.tolist() for row in rows]
