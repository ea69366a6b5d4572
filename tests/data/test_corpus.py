"""A corpus holds the kept pairs in their order, as texts and as ids."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from weft.base.errors import ConfigError, DataError
from weft.data.clean import Cleaning
from weft.data.corpus import PairCorpus
from weft.data.ragged import Ragged
from weft.data.tokenizer import Tokenizer

_PAIRS = [("The dog", "Le chien"), ("", "vide"), ("Red", "Rouge"), ("The dog", "Le chien"), ("a b c", "a b c")]


def test_kept_pairs_stay_in_order_with_ids_and_tag(tokenizer: Tokenizer) -> None:
    corpus = PairCorpus.build(_PAIRS, tokenizer, target_language="es")
    assert corpus.source_texts == ["The dog", "Red"]
    assert corpus.texts(1) == ("Red", "Rouge")
    assert len(corpus) == len(corpus.draw(0)) == 2
    for row in range(2):
        example = corpus.example(row, epoch=5)
        assert (example.source.tolist(), example.target.tolist()) == tuple(
            tokenizer.encode(text).ids for text in corpus.texts(row)
        )
        assert example.tag == tokenizer.tag("es")
        lengths = corpus.lengths(3)
        assert (lengths.source[row], lengths.target[row]) == (len(example.source), len(example.target))


def test_counts_are_reported_and_logged(tokenizer: Tokenizer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    corpus = PairCorpus.build(_PAIRS, tokenizer, target_language="fr", name="dogs")
    assert (corpus.report.read, corpus.report.kept) == (5, 2)
    assert caplog.messages == ["dogs: read 5, kept 2, dropped: blank 1, copy 1, duplicate 1"]


def test_cleaning_is_by_tokens(tokenizer: Tokenizer) -> None:
    corpus = PairCorpus.build(
        [("dog " * 11, "a"), ("dog", "a")], tokenizer, target_language="fr", cleaning=Cleaning(max_tokens=5)
    )
    assert corpus.source_texts == ["dog"]


def test_nothing_left_is_an_error(tokenizer: Tokenizer) -> None:
    with pytest.raises(DataError, match=r"dogs: wanted at least one pair, read 1, kept 0, dropped: blank 1; check"):
        PairCorpus.build([("", "")], tokenizer, target_language="fr", name="dogs")


def test_a_language_without_a_tag_is_an_error_before_anything_is_read(tokenizer: Tokenizer) -> None:
    pairs = iter(_PAIRS)
    with pytest.raises(ConfigError, match=r"got 'hi'"):
        PairCorpus.build(pairs, tokenizer, target_language="hi")
    assert len(list(pairs)) == len(_PAIRS)


def test_a_sample_is_seeded_and_keeps_the_order(tokenizer: Tokenizer) -> None:
    corpus = PairCorpus.build([(f"dog {i}", f"chien {i}") for i in range(101)], tokenizer, target_language="fr")
    sample = corpus.sample(13, seed=7)
    rows = [corpus.source_texts.index(text) for text in sample.source_texts]
    assert rows == sorted(rows)
    assert len(set(rows)) == 13
    assert sample.source_texts == corpus.sample(13, seed=7).source_texts != corpus.sample(13, seed=8).source_texts
    assert all(sample.example(i, 0).target.tolist() == corpus.example(row, 0).target.tolist()
               for i, row in enumerate(rows))  # fmt: skip
    assert corpus.sample(997, seed=1).source_texts == corpus.source_texts


def test_ragged_rows_come_back() -> None:
    rows = [[3, 5], [], [7], [11, 13, 17]]
    ragged = Ragged.of(rows)
    assert [row.tolist() for row in (ragged[i] for i in range(len(ragged)))] == rows
    assert ragged.lengths.tolist() == [2, 0, 1, 3]
    assert ragged.values.dtype == np.int32
    assert [row.tolist() for row in (ragged.select(np.array([3, 1, 3]))[i] for i in range(3))] == [rows[3], [], rows[3]]
    assert len(Ragged.of([])) == 0
