"""A text as the segments that are translated one by one, and what stands between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from weft.data.splitter import split
from weft.data.tokenizer import Encoding, Tokenizer

Span = tuple[int, int]
LONGEST = 120
"""Tokens of a segment; a longer sentence is cut between words, since models are trained on sentences."""


@dataclass(frozen=True)
class Segment:
    """A stretch of a text: where it starts, what it says, and its tokens with spans inside the stretch."""

    start: int
    text: str
    tokens: Encoding

    @property
    def end(self) -> int:
        return self.start + len(self.text)


@dataclass(frozen=True)
class Source:
    """A text and its segments; what is not in a segment is white space and stays as it is."""

    text: str
    segments: tuple[Segment, ...]

    def woven(self, translations: list[str]) -> tuple[str, list[int]]:
        """The text with each segment replaced by its translation, and where each translation starts in it."""
        pieces, starts, place, end = [], [], 0, 0
        for segment, translation in zip(self.segments, translations, strict=True):
            gap = self.text[end : segment.start]
            pieces += [gap, translation]
            starts.append(place + len(gap))
            place += len(gap) + len(translation)
            end = segment.end
        return "".join(pieces) + self.text[end:], starts


def read_source(text: str, tokenizer: Tokenizer) -> Source:
    """The sentences of a text, tokenised; sentences of more than `LONGEST` tokens in several pieces."""
    segments: list[Segment] = []
    for start, end in split(text):
        sentence = text[start:end]
        tokens = tokenizer.encode(sentence)
        if len(tokens.ids) <= LONGEST:
            segments.append(Segment(start, sentence, tokens))
            continue
        for first, last in _cuts(sentence, tokens):
            piece = sentence[first:last]
            segments.append(Segment(start + first, piece, tokenizer.encode(piece)))
    return Source(text, tuple(segment for segment in segments if segment.tokens.ids))


def _cuts(sentence: str, tokens: Encoding) -> Iterator[Span]:
    """Spans of at most `LONGEST` tokens that end between words where they can, without white space at the ends."""
    begin = 0
    while begin < len(tokens.ids):
        end = min(begin + LONGEST, len(tokens.ids))
        if end < len(tokens.ids):
            end = next((place for place in range(end, begin, -1) if _starts_word(sentence, tokens, place)), end)
        first, last = tokens.spans[begin][0], tokens.spans[end - 1][1]
        piece = sentence[first:last]
        stripped = piece.strip()
        if stripped:
            lead = len(piece) - len(piece.lstrip())
            yield first + lead, first + lead + len(stripped)
        begin = end


def _starts_word(sentence: str, tokens: Encoding, place: int) -> bool:
    """Whether white space stands right before this token."""
    start = tokens.spans[place][0]
    return start > 0 and (sentence[start - 1].isspace() or sentence[start : start + 1].isspace())
