"""Laws of drawing from several corpora: pure in the epoch, even over rows, as likely as the temperature says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.base.errors import ConfigError
from weft.data.clean import Cleaning
from weft.data.corpus import PairCorpus
from weft.data.mixture import Mixture
from weft.data.tokenizer import Tokenizer


def _corpus(tokenizer: Tokenizer, size: int, language: str = "fr") -> PairCorpus:
    pairs = [(f"dog {size} {i}", f"chien {i}") for i in range(size)]
    return PairCorpus.build(pairs, tokenizer, target_language=language, cleaning=Cleaning(drop_duplicates=False))


@pytest.fixture(scope="module")
def corpora(tokenizer: Tokenizer) -> list[PairCorpus]:
    return [_corpus(tokenizer, 101), _corpus(tokenizer, 13, "es"), _corpus(tokenizer, 5)]


def test_temperature_one_visits_every_row_once_an_epoch(corpora: list[PairCorpus]) -> None:
    mixture = Mixture(corpora, seed=3)
    for epoch in range(5):
        assert sorted(mixture.draw(epoch)) == list(range(119))


@given(
    seed=st.integers(0, 97),
    temperature=st.floats(0.5, 7),
    epoch_rows=st.integers(1, 307),
    weights=st.lists(st.floats(0.1, 10), min_size=3, max_size=3),
)
def test_rows_of_a_corpus_are_visited_evenly(
    corpora: list[PairCorpus], seed: int, temperature: float, epoch_rows: int, weights: list[float]
) -> None:
    mixture = Mixture(corpora, seed=seed, weights=weights, temperature=temperature, epoch_rows=epoch_rows)
    drawn = np.concatenate([mixture.draw(epoch) for epoch in range(7)])
    visits = np.bincount(drawn, minlength=119)
    for rows in (visits[:101], visits[101:114], visits[114:]):
        assert rows.max() - rows.min() <= 1
    shares = np.array([visits[:101].sum(), visits[101:114].sum(), visits[114:].sum()])
    np.testing.assert_allclose(shares, mixture.probabilities * epoch_rows * 7, atol=0.501)


def test_an_epoch_is_a_pure_function_of_seed_and_epoch(corpora: list[PairCorpus]) -> None:
    one, two = (Mixture(corpora, seed=3, temperature=5) for _ in range(2))
    one.draw(0)
    np.testing.assert_array_equal(one.draw(4), two.draw(4))
    assert one.draw(3).tolist() != one.draw(4).tolist()
    assert one.draw(4).tolist() != Mixture(corpora, seed=4, temperature=5).draw(4).tolist()


def test_probabilities_are_those_of_the_formula(corpora: list[PairCorpus]) -> None:
    mixture = Mixture(corpora, seed=1, weights=[1, 2, 3], temperature=5)
    mass = np.array([101**0.2, 26**0.2, 15**0.2])
    np.testing.assert_allclose(mixture.probabilities, mass / mass.sum())


def test_rows_are_those_of_the_corpora(corpora: list[PairCorpus]) -> None:
    mixture = Mixture(corpora, seed=1)
    assert len(mixture) == 119
    for row, (corpus, inside) in {
        0: (0, 0),
        100: (0, 100),
        101: (1, 0),
        113: (1, 12),
        114: (2, 0),
        118: (2, 4),
    }.items():
        assert mixture.texts(row) == corpora[corpus].texts(inside)
        example = mixture.example(row, 0)
        assert example.tag == corpora[corpus].tag
        lengths = mixture.lengths(0)
        assert (lengths.source[row], lengths.target[row]) == (len(example.source), len(example.target))


def test_impossible_mixtures_are_refused(corpora: list[PairCorpus]) -> None:
    with pytest.raises(
        ConfigError, match=r"needs one corpus or more and a weight for each, got 0 corpora and 0 weights"
    ):
        Mixture([], seed=1)
    with pytest.raises(ConfigError, match=r"got 3 corpora and 1 weights; give one weight a corpus"):
        Mixture(corpora, seed=1, weights=[1])
    with pytest.raises(ConfigError, match=r"weights and temperature must be above 0, got \[1, 0, 1\] and 1.0; leave"):
        Mixture(corpora, seed=1, weights=[1, 0, 1])
    with pytest.raises(ConfigError, match=r"must be above 0, got \[1.0, 1.0, 1.0\] and 0; leave"):
        Mixture(corpora, seed=1, temperature=0)
    with pytest.raises(
        ConfigError, match=r"epoch_rows must be at least 1, got 0; leave it out to draw as many as there"
    ):
        Mixture(corpora, seed=1, epoch_rows=0)
