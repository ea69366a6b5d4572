"""Laws of guidance: links between words reach the tokens of those words, however they are cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.base.errors import DataError
from weft.data.batch import TokenBatches
from weft.data.corpus import PairCorpus
from weft.data.dropout import SubwordDropout
from weft.data.guidance import Guidance, WordLinks, bounds_in_bytes, token_links, words_of_tokens
from weft.data.ragged import Ragged
from weft.data.tokenizer import EOS, Span, Tokenizer

PAIRS = [
    ("The big re\u0301d dog sleeps.", "L'homme dort, aujourd'hui."),
    ("", "Öl"),
    ("हिन्दी dog", "chien हिन्दी"),
    ("Tom", "Don't sleep, Tom!"),
]
LINKS = [[(0, 0), (3, 1), (4, 1)], [], [(0, 1), (1, 0)], [(0, 2)]]


def spaced(text: str) -> list[Span]:
    """White-space words of a text: enough for these tests."""
    words, start = [], 0
    for piece in text.split(" "):
        words.append((start, start + len(piece)))
        start += len(piece) + 1
    return [word for word in words if word[1] > word[0]]


@pytest.fixture
def corpus(tokenizer: Tokenizer) -> PairCorpus:
    return PairCorpus.build(PAIRS, tokenizer, target_language="fr")


def word_links(corpus: PairCorpus) -> WordLinks:
    rows = [corpus.texts(row) for row in range(len(corpus))]
    links = [LINKS[PAIRS.index(pair)] for pair in rows]
    return WordLinks(
        Ragged.of(bounds_in_bytes(source, spaced(source)) for source, _ in rows),
        Ragged.of(bounds_in_bytes(target, spaced(target)) for _, target in rows),
        Ragged.of(np.array(of_row, dtype=np.int32).ravel() for of_row in links),
    )


@given(text=st.text(max_size=23), data=st.data())
def test_a_token_lies_in_the_word_that_its_span_meets(tokenizer: Tokenizer, text: str, data: st.DataObject) -> None:
    words = spaced(text)
    found = words_of_tokens(tokenizer.bounds_in_bytes(tokenizer.encode(text).ids), bounds_in_bytes(text, words))
    for (start, end), word in zip(tokenizer.encode(text).spans, found.tolist(), strict=True):
        meets = [number for number, span in enumerate(words) if start < span[1] and span[0] < end]
        assert word == (meets[0] if meets else -1)


@given(probability=st.sampled_from([0.0, 0.5, 1.0]), epoch=st.integers(0, 5))
def test_links_follow_the_tokens_whichever_way_words_are_cut(
    tokenizer: Tokenizer, probability: float, epoch: int
) -> None:
    corpus = PairCorpus.build(PAIRS, tokenizer, target_language="fr")
    cut = SubwordDropout(corpus, tokenizer, probability=probability, seed=3)
    guided = Guidance(cut, word_links(corpus), tokenizer)
    for row in range(len(corpus)):
        example = guided.example(row, epoch)
        assert example.links is not None
        assert example.source.tolist() == cut.example(row, epoch).source.tolist()
        source, target = corpus.texts(row)
        pieces = {
            (tokenizer.decode(example.target[j : j + 1]).strip(), tokenizer.decode(example.source[i : i + 1]).strip())
            for j, i in zip(example.links.target, example.links.source, strict=True)
            if i >= 0
        }
        links = LINKS[PAIRS.index((source, target))]
        words = [(target.split()[j], source.split()[i]) for i, j in links]
        if probability == 0.0 and row == 0:
            assert ("dort", "sle") in pieces or any(piece[0] in "dort," for piece in pieces)
        for piece_target, piece_source in pieces:
            assert "\ufffd" in piece_target + piece_source or any(
                piece_target in one and piece_source in nfc(other) for one, other in words
            )
        sums = np.zeros(len(example.target))
        np.add.at(sums, example.links.target, example.links.weight)
        np.testing.assert_allclose(sums[np.unique(example.links.target)], 1, rtol=1e-6)


def nfc(text: str) -> str:
    return text.replace("e\u0301", "é")


def test_weights_are_shared_and_words_without_links_come_from_no_word() -> None:
    source, target = np.array([0, 0, 1, -1], np.int32), np.array([0, 1, 1, -1], np.int32)
    links = token_links(source, target, np.array([[0, 0], [1, 0], [7, 1]], np.int32))
    assert list(zip(links.target.tolist(), links.source.tolist(), links.weight.tolist(), strict=True)) == [
        (0, 0, pytest.approx(1 / 3)),
        (0, 1, pytest.approx(1 / 3)),
        (0, 2, pytest.approx(1 / 3)),
        (1, -1, 1.0),
        (2, -1, 1.0),
    ]


def test_a_batch_holds_the_edges_of_its_rows(tokenizer: Tokenizer, corpus: PairCorpus) -> None:
    batches = TokenBatches(Guidance(corpus, word_links(corpus), tokenizer), tokens=997, seed=3)
    batch = batches.build(batches.group(1)[0])
    edges = batch.edges.to("cpu")
    assert len(batch) == len(corpus)
    real = edges.source >= 0
    assert (batch.target_output.values[edges.row, edges.target] != EOS).all()
    assert (batch.source.values[edges.row[real], edges.source[real]] != EOS).all()
    for place, row in enumerate(batch.rows.tolist()):
        links = Guidance(corpus, word_links(corpus), tokenizer).example(row, 0).links
        assert links is not None
        assert edges.target[edges.row == place].tolist() == links.target.tolist()


def test_links_of_other_rows_are_refused(tokenizer: Tokenizer, corpus: PairCorpus) -> None:
    words = word_links(corpus)
    with pytest.raises(DataError, match=r"wanted links for \d+ rows, got 1; link the rows that are read"):
        Guidance(corpus, WordLinks(*(part.select(np.array([0])) for part in vars(words).values())), tokenizer)
    with pytest.raises(DataError, match=r"words and links for the same rows, got \[\d, \d, 1\]"):
        WordLinks(words.source, words.target, words.links.select(np.array([0])))
