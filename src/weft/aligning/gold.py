"""Sentence pairs with gold word links, and the links that aligners gave for them, read side by side from files."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from weft.alignment.pairs import Gold, Pairs, parse_gold, parse_links
from weft.alignment.words import given_words
from weft.base.errors import DataError
from weft.data.text import read_lines

_log = logging.getLogger(__name__)
_COLUMNS = 3


@dataclass(frozen=True, slots=True)
class GoldPair:
    """A source and a target text, the gold links between their white-space words, and how many words they have."""

    source: str
    target: str
    gold: Gold
    num_source: int
    num_target: int


def read_gold(path: Path | str) -> Iterator[GoldPair]:
    """The pairs of a file with lines of source TAB target TAB links: `i-j` sure, `i?j` possible, counted from 0.

    Further columns are passed over. A link that is given twice is one link; the first such line of a file is logged.
    Raises DataError with `file:line` where a column is missing or a link is malformed or out of range.
    """
    repeats = _Repeats(path)
    for number, line in enumerate(read_lines(path), start=1):
        cells = line.split("\t")
        if len(cells) < _COLUMNS:
            raise DataError(
                f"{path}:{number}: wanted source TAB target TAB links, got {len(cells)} of these columns; "
                "mend the line, a pair without links ends with the second TAB"
            )
        source, target, links = cells[:_COLUMNS]
        sizes = _num_words(source), _num_words(target)
        gold = parse_gold(links, num_source=sizes[0], num_target=sizes[1], where=f"{path}:{number}")
        repeats.look(number, links)
        yield GoldPair(source, target, gold, *sizes)


def read_with_links(gold: Path | str, *links: Path | str) -> Iterator[tuple[GoldPair, list[Pairs]]]:
    """Each pair of a gold file with its line of every links file, lines of `i-j ...` that are blank for no links.

    Raises DataError with `file:line` as `read_gold`, and where one file ends before another.
    """
    files = [_Links(path) for path in links]
    rows: Iterator[tuple[Any, ...]] = zip_longest(read_gold(gold), *map(read_lines, links))
    for number, row in enumerate(rows, start=1):
        _check_whole(row, (gold, *links), number)
        pair, *lines = row
        yield pair, [file.parse(number, line, pair) for file, line in zip(files, lines, strict=True)]


class _Repeats:
    """Logs the first line of a file that names a link twice."""

    def __init__(self, path: Path | str) -> None:
        self._path = path
        self._told = False

    def look(self, number: int, text: str) -> None:
        items = text.split()
        if self._told or len(set(items)) == len(items):
            return
        self._told = True
        twice = next(item for place, item in enumerate(items) if item in items[:place])
        _log.warning(
            "%s:%d: link %s is given twice, it counts once; further such lines go untold", self._path, number, twice
        )


class _Links:
    """A links file, line by line."""

    def __init__(self, path: Path | str) -> None:
        self._path = path
        self._repeats = _Repeats(path)

    def parse(self, number: int, line: str, pair: GoldPair) -> Pairs:
        where = f"{self._path}:{number}"
        pairs = parse_links(line, num_source=pair.num_source, num_target=pair.num_target, where=where)
        self._repeats.look(number, line)
        return pairs


def _check_whole(row: Sequence[object], paths: Sequence[Path | str], number: int) -> None:
    """Raises DataError if some of the files have a line of this number and others have not."""
    ended = [path for path, line in zip(paths, row, strict=True) if line is None]
    if ended:
        longer = next(path for path, line in zip(paths, row, strict=True) if line is not None)
        raise DataError(
            f"{longer}:{number}: wanted {number - 1} lines, as in {ended[0]}, got more; "
            "line i of the links must belong to pair i of the gold"
        )


def _num_words(text: str) -> int:
    """The most words that a reader of white space may find, so that no link between words is called out of range.

    Who cuts at spaces alone takes an ideographic space that stands by itself for a word, as some gold sets do; who cuts
    at any white space finds two words around a no-break space.
    """
    return max(len(given_words(text)), sum(map(bool, text.split(" "))))
