"""Law of the splitter: sentences and the white space between them are the text; then what a sentence is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.data.splitter import split

_PARTS = st.sampled_from(
    [
        *(
            "Mr.",
            "J. R. Smith",
            "Yes",
            "no",
            "3.14",
            ".",
            "!",
            "?",
            "…",
            "...",
            "。",
            "।",
            '"',
            "»",
            "« ",
            ")",
            "(",
            "’",
        ),
        *(" ", "\u00a0", "\n", "\r\n", "\u2028", "\t", "1.", "\x1f", "\x85", "😀", "I", "été", "L'homme", "हिन्दी"),
    ]
)


@given(text=st.lists(_PARTS | st.text(max_size=3)).map("".join))
def test_sentences_and_white_space_are_the_text(text: str) -> None:
    end = 0
    for start, stop in split(text):
        assert end <= start < stop <= len(text)
        assert not text[end:start].strip()
        assert text[start:stop] == text[start:stop].strip()
        end = stop
    assert not text[end:].strip()


@given(text=st.lists(_PARTS | st.text(max_size=3)).map("".join))
def test_no_sentence_crosses_a_line(text: str) -> None:
    assert not any("\n" in text[start:end] for start, end in split(text))


@pytest.mark.parametrize(
    "sentences",
    [
        ["The dog sleeps.", "Does it?", "Yes!"],
        ["Mr. Smith met Dr. J. R. Jones at 3.14 p.m. yesterday.", "He left."],
        ["The U.S. President spoke.", "Nobody listened."],
        ["See no. 5 and fig. 7.", "No. 5 is best.", "Is that a no.", "It is."],
        ["It was Jan. 5.", "We met in Jan.", "It snowed."],
        ['"What?" he asked.', '"Nothing."', "She left (at last).", "[It rained.]", "It stopped."],
        ["Wait… what?", "Well…", "Go on...", "Then?!", "Now."],
        ["« Bonjour ! » dit-il.", "« Ça va ? »", "Oui, M. Dupont.", "Mme Leroy est là."],
        ["Quoi\u202f?", "Vraiment\u00a0!", "C.-à-d. Paul, p. ex. ici.", "Fin."],
        ["¿Qué hora es?", "¡Las tres!", "El Sr. y la Sra. García viven en la Avda. Mayor, núm. 5.", "Adiós."],
        ["1. First item.", "2. Second item.", "He is 42.", "She is 7."],
        ["He said: “I came.”", "“I saw.”", "‘I left.’", "End"],
        ["यह घर है।", "वह कुत्ता है॥", "क्या?"],
        ["هل تنام؟", "نعم."],
        ["version 2.0.1 of a.b.c is at https://a.b/c?d=e.html now.", "Good."],
        ["So do I.", "He does not."],
        ["It costs 5.", "- Yes.", "— No."],
    ],
)
def test_sentences_are_found(sentences: list[str]) -> None:
    text = " ".join(sentences)
    assert [text[start:end] for start, end in split(text)] == sentences


def test_enders_of_scripts_without_spaces_need_none_after_them() -> None:
    text = "你好。「他说！」真的吗？是"
    assert [text[start:end] for start, end in split(text)] == ["你好。", "「他说！」", "真的吗？", "是"]


def test_every_line_end_splits() -> None:
    text = " one\ntwo three\r\n\r\n four,\rfive\u2029six \n"
    assert [text[start:end] for start, end in split(text)] == ["one", "two three", "four,", "five", "six"]


@pytest.mark.parametrize("text", ["", " \n\t ", "\x1f"])
def test_white_space_holds_no_sentence(text: str) -> None:
    assert split(text) == []


@pytest.mark.parametrize("unit", [".", ".a", "'", ".'", "A. ", "a.  ", " ", ". »", "1. ", "\n", "。", "no. "])
def test_a_very_long_line_takes_linear_time(unit: str) -> None:
    assert split(unit * 100_003)[-1:] != [] or not unit.strip()
