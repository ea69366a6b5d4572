"""Laws of segments: they and what says nothing between them are the text, none is too long, and it takes no time."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tiny import tokenizer

from weft.data.tokenizer import Tokenizer
from weft.translating.segments import LONGEST, Segment, Source, read_source

WORDS = tokenizer()
_PARTS = st.sampled_from(
    [
        *("The dog sleeps.", "Yes", "no", ".", "!", "…", "。", "L'homme", "été", unicodedata.normalize("NFD", "été")),
        *(" ", "  ", "\u00a0", "\n", "\r\n", "\t", "\u2028", "\x1f", "\x00", "\u200b", "\ufeff", "\u0301", "\u202e"),
        *(
            "🙂",
            "👩‍👩‍👧",
            "हिन्दी",
            "한국어",
            "שלום",
            "word " * 130,
            "🙂" * 50,
            "x" * 1000,
            "a" + "\u0301" * 200,
            "- " * 70,
        ),
    ]
)
TEXTS = st.lists(_PARTS | st.text(max_size=5), max_size=7).map("".join)


@pytest.fixture(scope="module")
def words() -> Tokenizer:
    return WORDS


def assert_whole(source: Source) -> None:
    """No letter and no digit stands outside the segments, and they follow each other."""
    end = 0
    for segment in source.segments:
        assert end <= segment.start < segment.end <= len(source.text)
        assert source.text[segment.start : segment.end] == segment.text == segment.text.strip()
        assert any(map(str.isalnum, segment.text))
        end = segment.end
    assert not any(map(str.isalnum, "".join(source.text[start:end] for start, end in source.gaps)))


@given(text=TEXTS)
def test_segments_and_gaps_are_the_text(text: str) -> None:
    source = read_source(text, WORDS)
    assert_whole(source)
    assert source.woven([segment.text for segment in source.segments]) == text
    assert len(source.gaps) == len(source.segments) + 1


@given(text=TEXTS)
def test_tokens_are_those_of_the_segment_alone(text: str) -> None:
    for segment in read_source(text, WORDS).segments:
        assert segment.tokens == WORDS.encode(segment.text)
        assert segment.tokens.ids


@pytest.mark.parametrize(
    "text",
    [
        "word " * 997,
        "x" * 9973,
        "a" + "🙂" * 1009,
        "\u0c85\u0c86" * 503,
        "नमस्ते " * 307,
        unicodedata.normalize("NFD", "é" * 1009),
        "한국" * 503,
        "a" + "\u0301" * 1009,
        "a " + "\u0301" * 1009 + " b",
        "a" + "." * 4001 + "b",
        "x\u0301" * 997,
    ],
)
def test_no_segment_is_too_long(text: str, words: Tokenizer) -> None:
    source = read_source(text, words)
    assert_whole(source)
    # A piece that begins in the middle of a word is tokenised anew, so it may gain a few tokens.
    assert max(len(segment.tokens.ids) for segment in source.segments) <= LONGEST * 1.1


def test_a_long_sentence_is_cut_between_words_into_pieces_of_like_length(words: Tokenizer) -> None:
    text = " ".join(["the red dog sings and sleeps"] * 40) + "."
    source = read_source(text, words)
    assert_whole(source)
    lengths = [len(segment.tokens.ids) for segment in source.segments]
    assert len(lengths) > 2
    assert min(lengths) > 0.8 * max(lengths)
    assert all(text[segment.end].isspace() for segment in source.segments[:-1])


@pytest.mark.parametrize("character", ["𝔞", "é", "한", "क", unicodedata.normalize("NFD", "ệ")])
def test_a_cut_never_falls_inside_a_character(character: str, words: Tokenizer) -> None:
    text = "a" + character * 211
    source = read_source(text, words)
    assert "".join(segment.text for segment in source.segments) == text
    assert all((segment.start - 1) % len(character) == 0 for segment in source.segments[1:])


def test_a_segment_of_a_text_is_its_stretch(words: Tokenizer) -> None:
    segment = Segment.of("  été  ", (2, 5), words)
    assert (segment.start, segment.end, segment.text) == (2, 5, "été")


@pytest.mark.parametrize("blank", ["", " ", "\n", " \t\r\n\u00a0\u2028", "🙂", " ... \n-----", "\x00\u200b", "\u0301"])
def test_what_says_nothing_has_no_segment(blank: str, words: Tokenizer) -> None:
    assert read_source(blank, words) == Source(blank, ())
    assert read_source(blank, words).woven([]) == blank


def test_gaps_keep_what_says_nothing(words: Tokenizer) -> None:
    source = read_source(" A b!\n🙂\nC d.\n***\n", words)
    assert [segment.text for segment in source.segments] == ["A b!", "C d."]
    assert [source.text[start:end] for start, end in source.gaps] == [" ", "\n🙂\n", "\n***\n"]
    assert source.woven(["X", "Y"]) == " X\n🙂\nY\n***\n"


MEGABYTE = 1_000_000


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("the red dog sings " * (MEGABYTE // 18), id="spaces"),
        pytest.param("The red dog sings. " * (MEGABYTE // 19), id="sentences"),
        pytest.param("x" * MEGABYTE, id="no spaces"),
        pytest.param("\n" * MEGABYTE, id="newlines"),
        pytest.param(" " * MEGABYTE, id="blank"),
        pytest.param("." * MEGABYTE, id="punctuation"),
        pytest.param("🙂" * (MEGABYTE // 4), id="emoji"),
        pytest.param("a" + "\u0301" * (MEGABYTE // 2), id="marks"),
        pytest.param(unicodedata.normalize("NFD", "été ") * (MEGABYTE // 8), id="decomposed"),
    ],
)
def test_a_megabyte_takes_seconds(text: str, words: Tokenizer) -> None:
    began = time.process_time()
    source = read_source(text, words)
    assert time.process_time() - began < 20  # a few seconds; what is quadratic takes hours
    assert sum(len(segment.text) for segment in source.segments) <= len(text)
