"""A text as the segments that are translated one by one, and what stands between them."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil

from weft.alignment.side import Side
from weft.alignment.words import words
from weft.data.direction import Direction
from weft.data.splitter import split
from weft.data.text_tokenizer import TextTokenizer
from weft.data.tokenizer import Encoding
from weft.models.config import ModelConfig
from weft.translating.memory_cache import Memory

Span = tuple[int, int]
LONGEST = 120
"""Tokens of a segment; a longer sentence is cut between words, since models are trained on sentences."""
_BYTES = 4  # of a code point at most; each is a token at worst


@dataclass(frozen=True)
class Segment:
    """A stretch of a text: where it starts, what it says, and its tokens with spans inside the stretch."""

    start: int
    text: str
    tokens: Encoding
    memory: Memory | None = field(default=None, compare=False, repr=False)
    """What the encoder made of it, where it was read before."""

    @staticmethod
    def of(text: str, span: Span, tokenizer: TextTokenizer, memory: Memory | None = None) -> Segment:
        """The stretch of a text at a span, tokenised."""
        stretch = text[slice(*span)]
        return Segment(span[0], stretch, tokenizer.encode(stretch), memory)

    @staticmethod
    def whole(text: str, tokenizer: TextTokenizer, memory: Memory | None = None) -> Segment:
        """A text as one segment."""
        return Segment.of(text, (0, len(text)), tokenizer, memory)

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @property
    def content(self) -> Hashable:
        """What tells it from segments that are translated otherwise; the same text may be read in other places."""
        return self.text, None if self.memory is None else id(self.memory)

    @property
    def reads(self) -> str:
        """The source, by its name in records, that its links lead to."""
        return "source"

    def length(self, direction: Direction) -> int:
        """The number of ids that the encoder reads."""
        return len(direction.source(self.tokens.ids))

    @cached_property
    def side(self) -> Side:
        """The stretch as what is aligned: with its tokens and words."""
        return Side(self.text, self.tokens.spans, words(self.text))


@dataclass(frozen=True)
class Source:
    """A text and its segments; what is in none has no letter and no digit, and stays as it is."""

    text: str
    segments: tuple[Segment, ...]

    @property
    def gaps(self) -> list[Span]:
        """The spans before, between and after the segments, one more than there are segments; any may be empty."""
        starts = [0, *(segment.end for segment in self.segments)]
        ends = [*(segment.start for segment in self.segments), len(self.text)]
        return list(zip(starts, ends, strict=True))

    def woven(self, translations: Sequence[str]) -> str:
        """The text with each segment replaced by its translation."""
        kept = [self.text[start:end] for start, end in self.gaps]
        return kept[0] + "".join(x + gap for x, gap in zip(translations, kept[1:], strict=True))


def read_source(text: str, tokenizer: TextTokenizer, *, longest: int = LONGEST) -> Source:
    """The sentences of a text, tokenised; sentences of more than `longest` tokens in several pieces.

    Those without a letter or a digit are left out: of a lone emoji or a row of dashes a model makes words.
    A piece that has to begin in the middle of a word is tokenised anew, so it may have a few tokens more.
    """
    segments: list[Segment] = []
    for start, end in split(text):
        if not _says_something(text[start:end]):
            continue
        sentence = Segment.of(text, (start, end), tokenizer)
        if len(sentence.tokens.ids) <= longest:
            segments.append(sentence)
            continue
        segments += [
            Segment.of(text, (start + first, start + last), tokenizer)
            for first, last in _cuts(sentence.text, sentence.tokens.spans, longest)
            if _says_something(sentence.text[first:last])
        ]
    return Source(text, tuple(segments))


def _says_something(stretch: str) -> bool:
    """Whether there is a letter or a digit."""
    return any(character.isalnum() for character in stretch)


def _cuts(sentence: str, tokens: Sequence[Span], longest: int) -> Iterator[Span]:
    """Spans of the pieces of a sentence of so many tokens, about equally long, without white space at their ends."""
    begin = 0
    while begin < len(tokens):
        end = _piece_end(sentence, tokens, begin, longest)
        first, last = tokens[begin][0], tokens[end - 1][1]
        # A pile of marks on one letter may be longer than any piece: it is cut wherever it must be.
        step = max(last - first, 1) if end - begin <= longest else max(longest // _BYTES, 1)
        for start in range(first, last, step):
            piece = sentence[start : min(start + step, last)]
            if stripped := piece.strip():
                start += len(piece) - len(piece.lstrip())
                yield start, start + len(stripped)
        begin = end


def _piece_end(sentence: str, tokens: Sequence[Span], begin: int, longest: int) -> int:
    """The token before which the piece that starts with token `begin` ends: a word's first, else a character's first.

    All tokens of a code point have its span, and those of code points that are composed the span of all of them.
    """
    left = len(tokens) - begin
    if left <= longest:
        return len(tokens)
    best = begin + ceil(left / ceil(left / longest))
    characters = [place for place in range(best, begin, -1) if tokens[place][0] >= tokens[place - 1][1]]
    words = (place for place in characters if _after_space(sentence, tokens[place][0]))
    if (found := next(words, characters[0] if characters else None)) is not None:
        return found
    pile = tokens[begin]
    return next((place for place in range(best, len(tokens)) if tokens[place] != pile), len(tokens))


def _after_space(sentence: str, place: int) -> bool:
    """Whether white space stands at this place or right before it."""
    return any(character.isspace() for character in sentence[max(place - 1, 0) : place + 1])


def room_of(config: ModelConfig) -> int | None:
    """The most tokens of a segment, and of its translation, that learned positions know; None: any number."""
    if config.position != "learned" or config.kind == "recurrent":
        return None
    return config.max_length // (2 if config.kind == "decoder_only" else 1) - 1
