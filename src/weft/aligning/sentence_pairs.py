"""Sentence pairs that are to be aligned: their texts, the words of these, and where they were read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from weft.alignment.link import Span
from weft.alignment.words import given_words, words
from weft.base.errors import ConfigError, DataError
from weft.base.validate import nearest
from weft.data.text import read_lines

MOST_WORDS = 5_000
"""Words of a side: what is known of a pair grows with their square, and no sentence is as long as this."""
_BARS = re.compile(r" ?\|\|\| ?")

WORDS: dict[str, Callable[[str], list[Span]]] = {"given": given_words, "weft": words}
"""What a word is: `given`, what stands between white space; `weft`, the words of UAX 29, elisions split."""


@dataclass(frozen=True, slots=True)
class TextPair:
    """A source and a target text, and where they stand: what an error about them begins with."""

    source: str
    target: str
    where: str


@dataclass(frozen=True, slots=True)
class WordPair:
    """A text pair with the spans of its words."""

    source: str
    target: str
    source_words: tuple[Span, ...]
    target_words: tuple[Span, ...]
    where: str

    @property
    def turned(self) -> WordPair:
        """The pair with target for source."""
        return WordPair(self.target, self.source, self.target_words, self.source_words, self.where)

    @property
    def has_words(self) -> bool:
        """Whether both sides have any, so that there is something to align."""
        return bool(self.source_words and self.target_words)

    def strings(self) -> tuple[list[str], list[str]]:
        """The words of both sides, as text."""
        return (
            [self.source[slice(*span)] for span in self.source_words],
            [self.target[slice(*span)] for span in self.target_words],
        )


def read_text_pairs(path: Path | str) -> Iterator[TextPair]:
    """The pair of every line, `source TAB target` or `source ||| target`; a blank line is two empty texts.

    A TAB wins over bars, and what follows a second separator is passed over. One space on either side of the bars is
    theirs. Raises DataError with `file:line` for a line with no separator, and as `read_lines`.
    """
    for number, line in enumerate(read_lines(path), start=1):
        where = f"{path}:{number}"
        cells = line.split("\t") if "\t" in line else _BARS.split(line)
        if len(cells) < 2 and line.strip():
            raise DataError(
                f"{where}: wanted source TAB target, or source ||| target, got a line without either separator; "
                "mend the line, an empty side is written as nothing"
            )
        source, target = cells[:2] if len(cells) > 1 else (line, "")
        yield TextPair(source, target, where)


def given_pairs(pairs: Iterable[tuple[str, str]]) -> Iterator[TextPair]:
    """Pairs that a program gives; DataError names the place of one that is no pair of texts."""
    for number, pair in enumerate(pairs):
        texts = tuple(pair) if isinstance(pair, (tuple, list)) else ()
        if len(texts) != 2 or not all(isinstance(text, str) for text in texts):
            raise DataError(
                f"pairs[{number}]: wanted a source and a target text, got {pair!r:.80}; give (source, target)"
            )
        yield TextPair(*texts, f"pairs[{number}]")


def cut(pairs: Iterable[TextPair], name: str) -> Iterator[WordPair]:
    """The pairs with their words, of the kind `name` (a key of `WORDS`).

    Raises ConfigError for a name that is not known, at once, and DataError for a text of more than `MOST_WORDS`.
    """
    if name not in WORDS:
        raise ConfigError(f"words must be {' or '.join(WORDS)}, got {name!r}; {nearest(name, list(WORDS))}")
    find = WORDS[name]
    return (_cut(pair, find) for pair in pairs)


def _cut(pair: TextPair, find: Callable[[str], list[Span]]) -> WordPair:
    found = tuple(find(pair.source)), tuple(find(pair.target))
    longest = max(map(len, found))
    if longest > MOST_WORDS:
        raise DataError(
            f"{pair.where}: wanted a sentence pair, at most {MOST_WORDS} words a side, got {longest} words; "
            "split it into sentences"
        )
    return WordPair(pair.source, pair.target, *found, pair.where)
