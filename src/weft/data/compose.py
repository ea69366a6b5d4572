"""Unicode composition (NFC) that remembers where every code point came from."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

_FIRST_COMPOSING = "\u0300"  # no code point before this one ever joins what stands before it


@dataclass(frozen=True)
class Composed:
    """Text in NFC; its code point i stands for `original[starts[i] : ends[i]]`."""

    text: str
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]


def compose(text: str) -> Composed:
    """NFC of the text, and the span of the original that each composed code point stands for.

    Code points that were composed or reordered together all point at the whole cluster they came from.
    """
    if unicodedata.is_normalized("NFC", text):
        places = np.arange(len(text), dtype=np.int64)
        return Composed(text, places, places + 1)
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    bounds = [*_boundaries(text), len(text)]
    for start, end in pairwise(bounds):
        piece = unicodedata.normalize("NFC", text[start:end])
        unchanged = piece == text[start:end]
        pieces.append(piece)
        starts.extend(range(start, end) if unchanged else [start] * len(piece))
        ends.extend(range(start + 1, end + 1) if unchanged else [end] * len(piece))
    return Composed("".join(pieces), np.array(starts, dtype=np.int64), np.array(ends, dtype=np.int64))


def _boundaries(text: str) -> list[int]:
    """Where clusters begin, such that NFC of the text is NFC of its clusters, joined."""
    bounds = [0]
    for place, character in enumerate(text):
        if place and (character < _FIRST_COMPOSING or _stands_alone(character, text[bounds[-1] : place])):
            bounds.append(place)
    return bounds


def _stands_alone(character: str, cluster: str) -> bool:
    """Whether NFC may be cut between a cluster and the character after it."""
    if unicodedata.combining(character) or unicodedata.category(character).startswith("M"):
        return False
    apart = unicodedata.normalize("NFC", cluster) + unicodedata.normalize("NFC", character)
    return unicodedata.normalize("NFC", cluster + character) == apart
