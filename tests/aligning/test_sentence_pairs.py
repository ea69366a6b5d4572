"""Pairs from lines and from programs: either separator, empty sides, and every problem with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from weft.aligning.sentence_pairs import MOST_WORDS, TextPair, cut, given_pairs, read_text_pairs
from weft.base.errors import ConfigError, DataError


def read(folder: Path, content: bytes) -> list[TextPair]:
    (folder / "pairs").write_bytes(content)
    return list(read_text_pairs(folder / "pairs"))


@pytest.mark.parametrize(
    ("line", "pair"),
    [
        ("the dog\tle chien", ("the dog", "le chien")),
        ("the dog ||| le chien", ("the dog", "le chien")),
        ("the dog|||le chien", ("the dog", "le chien")),
        ("  the dog  |||  le chien ", ("  the dog ", " le chien ")),
        ("a ||| b\tc", ("a ||| b", "c")),
        ("source\ttarget\t0-0", ("source", "target")),
        ("a ||| b ||| -1.5", ("a", "b")),
        ("\tle chien", ("", "le chien")),
        ("the dog |||", ("the dog", "")),
        ("|||", ("", "")),
        ("", ("", "")),
        (" \u3000 ", (" \u3000 ", "")),
        ("a\u2028b\x0c ||| c\x85", ("a\u2028b\x0c", "c\x85")),
    ],
)
def test_a_line_is_a_pair(tmp_path: Path, line: str, pair: tuple[str, str]) -> None:
    found = read(tmp_path, f"{line}\r\n".encode())
    assert [(one.source, one.target) for one in found] == [pair]


def test_every_problem_has_file_and_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"pairs:2: wanted source TAB target, or source \|\|\| target, got a line with"):
        read(tmp_path, b"a ||| b\nno separator\n")
    with pytest.raises(DataError, match=r"pairs:2: wanted UTF-8, got byte 0xff"):
        read(tmp_path, b"a\tb\n\xff\tb\n")
    found = read(tmp_path, b"a ||| b\n" + b"w " * (MOST_WORDS + 1) + b"||| c\n")
    with pytest.raises(
        DataError, match=rf"pairs:2: wanted a sentence pair, at most {MOST_WORDS} words a side, got 5001"
    ):
        list(cut(found, "given"))


def test_what_a_program_gives_must_be_pairs_of_texts() -> None:
    assert list(given_pairs([("a", "b"), ["c", ""]])) == [  # type: ignore[list-item]
        TextPair("a", "b", "pairs[0]"),
        TextPair("c", "", "pairs[1]"),
    ]
    wrong: list[Any] = ["ab", ("a",), ("a", "b", "c"), ("a", None), 7]
    for pair in wrong:
        with pytest.raises(DataError, match=r"pairs\[1\]: wanted a source and a target text, got .*; give \(source, t"):
            list(given_pairs([("a", "b"), pair]))


def test_words_are_those_of_the_kind_asked_for() -> None:
    pair = TextPair("The dog's.", "l'homme", "here:1")
    (given,), (weft,) = cut([pair], "given"), cut([pair], "weft")
    assert given.strings() == (["The", "dog's."], ["l'homme"])
    assert weft.strings() == (["The", "dog's", "."], ["l'", "homme"])
    assert given.turned.strings() == (["l'homme"], ["The", "dog's."])
    assert given.turned.where == "here:1"
    with pytest.raises(ConfigError, match="words must be given or weft, got 'tokens'; known are given, weft"):
        cut([pair], "tokens")
