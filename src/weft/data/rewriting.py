"""Text rewritten before it is cut, by SentencePiece or as the library `tokenizers` does it, with places.

The library has code for this, too, but its places go wrong: marks that join a letter are forgotten, and behind a
control character that is dropped at the beginning every place is one too low (tokenizers 0.23).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import regex
from numpy.typing import NDArray

from weft.data.charsmap import Charsmap

SPACE = "\u2581"
"""What a space becomes."""
_LETTER = regex.compile(r"\X")
_SHORT = 6  # bytes of UTF-8

Piece = tuple[int, int, str]
"""Where a piece of the text starts and ends, and what becomes of it."""


@dataclass(frozen=True)
class Rewritten:
    """Normal text; its character i stands for `original[starts[i] : ends[i]]`."""

    text: str
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]


Rewrite = Callable[[str], Rewritten]


def unchanged(text: str) -> Rewritten:
    """The text as it is."""
    places = np.arange(len(text), dtype=np.int64)
    return Rewritten(text, places, places + 1)


def sentencepiece(charsmap: Charsmap, *, dummy_prefix: bool, remove_extra_spaces: bool) -> Rewrite:
    """SentencePiece's own way: the longest rule at each place; then spaces become `SPACE`.

    With `dummy_prefix` one is put before every text; with `remove_extra_spaces` those at the ends and in rows go.
    """

    def rewrite(text: str) -> Rewritten:
        pieces = list(_longest(charsmap, text))
        if remove_extra_spaces:
            pieces = list(_single_spaces(pieces))
        if dummy_prefix and (pieces or (text and not remove_extra_spaces)):
            first = pieces[0][0] if pieces else 0
            pieces = [(first, first, " "), *pieces]
        whole = "".join(made for _, _, made in pieces).replace(" ", SPACE)
        # A visible space of the text's own goes, too, if it stands at the end.
        return _placed(whole.rstrip(SPACE) if remove_extra_spaces else whole, pieces)

    return rewrite


def by_letters(charsmap: Charsmap) -> Rewrite:
    """The library's way: a letter with its marks (of fewer than six bytes) becomes what the shortest rule for its
    beginning makes; without one, and in longer ones, each character becomes what the shortest rule for it makes."""

    def rewrite(text: str) -> Rewritten:
        pieces = list(_letters(charsmap, text))
        return _placed("".join(made for _, _, made in pieces), pieces)

    return rewrite


def _longest(charsmap: Charsmap, text: str) -> Iterator[Piece]:
    start = 0
    while start < len(text):
        *_, (end, made) = (start + 1, text[start]), *charsmap.matches(text, start, len(text))
        yield start, end, made
        start = end


def _single_spaces(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Without spaces at the beginning and behind spaces; nothing is left of pieces that were dropped."""
    after_space = True
    for start, end, made in pieces:
        kept = made.lstrip(" ") if after_space else made
        if kept:
            after_space = kept.endswith(" ")
            yield start, end, kept


def _letters(charsmap: Charsmap, text: str) -> Iterator[Piece]:
    for letter in _LETTER.finditer(text):
        start, end = letter.span()
        made = _shortest(charsmap, text, start, end) if len(letter[0].encode("utf-8")) < _SHORT else None
        if made is not None:
            yield start, end, made
            continue
        for place in range(start, end):
            made = _shortest(charsmap, text, place, place + 1)
            yield place, place + 1, text[place] if made is None else made


def _shortest(charsmap: Charsmap, text: str, start: int, stop: int) -> str | None:
    return next((made for _, made in charsmap.matches(text, start, stop)), None)


def _placed(text: str, pieces: Iterable[Piece]) -> Rewritten:
    """Pieces, joined to the text (which may be cut off), with their places."""
    starts = [start for start, _, made in pieces for _ in made]
    ends = [end for _, end, made in pieces for _ in made]
    return Rewritten(text, *(np.array(places[: len(text)], dtype=np.int64) for places in (starts, ends)))
