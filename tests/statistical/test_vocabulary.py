from __future__ import annotations

import pytest

from weft.statistical.vocabulary import Vocabulary

VOCABULARY = Vocabulary.of([["The", "house", "of", "the", "houses"], ["parliament", "of"], ["THE", "1997"]])


def test_words_are_numbered_by_frequency_without_case() -> None:
    assert VOCABULARY.words == ("the", "of", "house", "houses", "parliament", "1997")
    assert VOCABULARY.ids(["The", "PARLIAMENT", "of"]).tolist() == [0, 4, 1]
    assert len(VOCABULARY) == 6


@pytest.mark.parametrize(
    ("word", "stand_in"),
    [
        ("parliamentary", "parliament"),
        ("Parliaments", "parliament"),
        ("housed", "houses"),
        ("houseboatkeepers", None),  # less than half of it is known
        ("hot", None),
        ("zebra", None),
        ("", None),
    ],
)
def test_a_new_word_is_read_as_a_form_of_a_known_one(word: str, stand_in: str | None) -> None:
    (number,) = VOCABULARY.ids([word]).tolist()
    assert number == (VOCABULARY.words.index(stand_in) if stand_in else -1)


def test_no_words_know_no_word() -> None:
    assert Vocabulary(()).ids(["house"]).tolist() == [-1]
    assert VOCABULARY.ids([]).shape == (0,)
