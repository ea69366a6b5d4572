"""Unicode composition (NFC) that remembers where every code point came from."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np
import regex
from numpy.typing import NDArray

_FIRST_COMPOSING = "\u0300"  # no code point before this one ever joins what stands before it
_LONG_RUN_OF_MARKS = regex.compile(r"\p{M}{64,}")


@dataclass(frozen=True)
class Composed:
    """Text in NFC; its code point i stands for `original[starts[i] : ends[i]]`."""

    text: str
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]


def nfc(text: str) -> str:
    """The text in NFC.

    Python sorts runs of marks by insertion: minutes for a megabyte of them, unless they come sorted.
    """
    if unicodedata.is_normalized("NFC", text):
        return text
    return unicodedata.normalize("NFC", _LONG_RUN_OF_MARKS.sub(_sorted_marks, text))


def compose(text: str) -> Composed:
    """NFC of the text, and the span of the original that each composed code point stands for.

    Code points that were composed or reordered together all point at the whole cluster they came from.
    """
    composed = nfc(text)
    if composed == text:
        places = np.arange(len(text), dtype=np.int64)
        return Composed(text, places, places + 1)
    starts: list[int] = []
    ends: list[int] = []
    for start, end in pairwise([*_boundaries(text), len(text)]):
        cluster = text[start:end]
        piece = nfc(cluster)
        unchanged = piece == cluster
        starts.extend(range(start, end) if unchanged else [start] * len(piece))
        ends.extend(range(start + 1, end + 1) if unchanged else [end] * len(piece))
    assert len(starts) == len(composed), "NFC of the clusters, joined, is NFC of the text"
    return Composed(composed, np.array(starts, dtype=np.int64), np.array(ends, dtype=np.int64))


def _boundaries(text: str) -> list[int]:
    """Where clusters begin, such that NFC of the text is NFC of its clusters, joined."""
    bounds = [0]
    for place, character in enumerate(text):
        if place and (character < _FIRST_COMPOSING or _stands_alone(text, bounds[-1], place)):
            bounds.append(place)
    return bounds


def _stands_alone(text: str, start: int, place: int) -> bool:
    """Whether NFC may be cut between the cluster that begins at `start` and the character at `place`."""
    character = text[place]
    if unicodedata.combining(character) or unicodedata.category(character).startswith("M"):
        return False
    return nfc(text[start : place + 1]) == nfc(text[start:place]) + nfc(character)


def _sorted_marks(run: regex.Match[str]) -> str:
    """A run of marks in canonical order: by combining class, those of class 0 staying where they are."""
    groups = groupby(run[0], key=lambda mark: unicodedata.combining(mark) > 0)
    return "".join("".join(sorted(group, key=unicodedata.combining) if moves else group) for moves, group in groups)
