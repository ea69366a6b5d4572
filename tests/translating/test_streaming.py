"""Which words of a text under way are certain. What is streamed is compared with what is translated in tests/laws."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from weft.alignment.confidence import Word
from weft.alignment.link import Link, Unaligned, WordAlignment
from weft.alignment.words import words
from weft.base.errors import UnsupportedError
from weft.translating.streaming import Piece, ended_words
from weft.translating.translator import Translator

CHARACTERS = "anlhqu3s_ש'\"’.,:«“ \u0301\u200d🇫😀カ中é"


@given(text=st.text(CHARACTERS, max_size=17))
@example("l' « x")
@example("can't 3.14")
@example("jusqu'« il")
def test_a_word_that_has_ended_is_a_word_whatever_follows(text: str) -> None:
    whole = words(text)
    for end in range(len(text) + 1):
        ended = ended_words(text[:end].strip()) if text[:1].strip() else []
        assert ended == whole[: len(ended)], text[:end]


def test_words_before_white_space_have_ended_once_another_begins() -> None:
    assert ended_words("le chien") == [(0, 2)]
    assert ended_words("le") == []
    assert ended_words("can'") == []
    assert ended_words("中文字") == [(0, 1)]
    assert ended_words("") == []


def test_a_piece_moves_with_its_links() -> None:
    piece = Piece("le", WordAlignment((Link((0, 3), (0, 2), 0.5),), (Unaligned((0, 2), 0.25),)), (Word((0, 2), 0.75),))
    moved = piece.moved(5, 7)
    assert str(moved) == "le"
    assert moved.alignment == WordAlignment((Link((5, 8), (7, 9), 0.5),), (Unaligned((7, 9), 0.25),))
    assert moved.words == (Word((7, 9), 0.75),)


def test_pieces_say_something(tiny: Translator) -> None:
    for align in (False, True):
        for piece in tiny.stream(" the dog sleeps. \n the cat", to="fr", align=align):  # type: ignore[call-overload]
            assert str(piece) or piece.words
    assert list(tiny.stream("", to="fr", align=True)) == []


def test_a_model_that_cannot_align_says_so_before_any_piece(tiny: Translator) -> None:
    blind = Translator(tiny.stored)
    blind.decoder.alignment = None
    with pytest.raises(UnsupportedError, match="no cross-attention to align by"):
        blind.stream("the dog", to="fr", align=True)
