"""What came from where: links between spans of a source and a target text, in the forms that others read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Span = tuple[int, int]
"""Half-open code points `[start, end)` of a text as given."""

_DIGITS = 7  # of a probability in JSON: sums over a word stay exact to 1e-6


@dataclass(frozen=True, slots=True)
class Link:
    """A source word that a target word came from, and how much of that target word came from it (0 to 1)."""

    source: Span
    target: Span
    probability: float

    def to_json(self) -> dict[str, Any]:
        """`{"source": [s, e], "target": [s, e], "probability": p}`."""
        return {
            "source": list(self.source),
            "target": list(self.target),
            "probability": round(self.probability, _DIGITS),
        }


@dataclass(frozen=True, slots=True)
class Unaligned:
    """The share of a target word that came from no source word (0 to 1)."""

    target: Span
    probability: float

    def to_json(self) -> dict[str, Any]:
        """`{"target": [s, e], "probability": p}`."""
        return {"target": list(self.target), "probability": round(self.probability, _DIGITS)}


@dataclass(frozen=True, slots=True)
class WordAlignment:
    """Links in the order of the target words, the best of a word first, and one `Unaligned` for every target word."""

    links: tuple[Link, ...] = ()
    unaligned: tuple[Unaligned, ...] = ()

    def moved(self, source: int, target: int) -> WordAlignment:
        """The same alignment where the two texts stand this many code points further on, in longer texts."""
        return WordAlignment(
            tuple(Link(_moved(one.source, source), _moved(one.target, target), one.probability) for one in self.links),
            tuple(Unaligned(_moved(one.target, target), one.probability) for one in self.unaligned),
        )

    def to_json(self) -> dict[str, list[dict[str, Any]]]:
        """`{"alignment": [...], "unaligned": [...]}`: the two keys of a translation in JSON."""
        return {
            "alignment": [link.to_json() for link in self.links],
            "unaligned": [rest.to_json() for rest in self.unaligned],
        }


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: a target word, its source words with probabilities (best first), its share on no word."""

    target: str
    span: Span
    sources: tuple[tuple[str, float], ...]
    unaligned: float


def rows(alignment: WordAlignment, source: str, target: str) -> list[Row]:
    """The alignment as a table, one row for each target word in order; `source` and `target` are its texts."""
    sources: dict[Span, list[tuple[str, float]]] = {rest.target: [] for rest in alignment.unaligned}
    for link in alignment.links:
        sources.setdefault(link.target, []).append((source[slice(*link.source)], link.probability))
    return [
        Row(target[slice(*rest.target)], rest.target, tuple(sources[rest.target]), rest.probability)
        for rest in alignment.unaligned
    ]


def pharaoh(alignment: WordAlignment, source_words: Sequence[Span], target_words: Sequence[Span]) -> str:
    """The links as `i-j i-j ...`, source-target, 0-based, sorted, over words that need not be those of the alignment.

    Two words are linked if any link joins a part of the one to a part of the other, so `l'` and `homme` both count for
    a white-space word `l'homme`.
    """
    pairs = {
        (i, j)
        for link in alignment.links
        for i in _overlapping(link.source, source_words)
        for j in _overlapping(link.target, target_words)
    }
    return " ".join(f"{i}-{j}" for i, j in sorted(pairs))


def _moved(span: Span, by: int) -> Span:
    return span[0] + by, span[1] + by


def _overlapping(span: Span, spans: Sequence[Span]) -> list[int]:
    return [index for index, (start, end) in enumerate(spans) if start < span[1] and span[0] < end]
