"""The sentence pairs of a training or development set as its recipe asks for them, and the links given beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np

from weft.alignment.pairs import Pairs, parse_links
from weft.alignment.words import given_words, words
from weft.base.errors import ConfigError, DataError
from weft.data.image import Image
from weft.data.text import read_aligned, read_columns, read_lines, read_pairs
from weft.runs.drawn import drawn, is_drawn
from weft.runs.recipe import PairSource

Texts = tuple[str, str]


def name_of(source: PairSource) -> str:
    """What the log calls a set: one file may hold several directions."""
    return f"{source.path} {source.from_}-{source.to}" + ("" if source.case == "given" else f" in {source.case} case")


def sampled(source: PairSource, data: Path, seed: int) -> list[Texts]:
    """The pairs of one set, or a seeded sample of them in their order, in the case and words that it asks for."""
    pairs = list(_read(source, data))
    return [_as_asked(pairs[row], source) for row in sample_rows(len(pairs), source.rows, seed)]


def sample_rows(num_rows: int, wanted: int | None, seed: int) -> list[int]:
    """Which rows a seeded sample takes, in their order: all of them if no more are there, or None are wanted."""
    if wanted is None or wanted >= num_rows:
        return list(range(num_rows))
    chosen: list[int] = np.sort(np.random.default_rng(seed).permutation(num_rows)[:wanted]).tolist()
    return chosen


def given_links(source: PairSource, data: Path) -> dict[Texts, Pairs]:
    """The links that the set's own file gives each of its pairs, between words parted by white space.

    Raises ConfigError if the recipe names no such file, DataError with `file:line` for links that do not fit their
    pair and for a file with more or fewer lines.
    """
    if source.links_path is None:
        raise ConfigError(f'{source.path}: alignment.teacher = "given" wants links_path, got none; name the links file')
    path, found = data / source.links_path, {}
    for number, (pair, line) in enumerate(zip_longest(_read(source, data), read_lines(path)), start=1):
        if pair is None or line is None:
            raise DataError(f"{path}:{number}: wanted one line of links a pair of {source.path}, got more or fewer")
        sizes = [len(given_words(text)) for text in pair]
        links = parse_links(line, num_source=sizes[0], num_target=sizes[1], where=f"{path}:{number}")
        found[_as_asked(pair, source)] = links
    return found


CASES: dict[str, Callable[[str], str]] = {"given": lambda text: text, "upper": str.upper, "lower": str.lower}


WORDS: dict[str, Callable[[str], str]] = {
    "given": lambda text: text,
    "weft": lambda text: " ".join(text[slice(*span)] for span in words(text)),
}


def _as_asked(pair: Texts, source: PairSource) -> Texts:
    """A pair in the case and with the words that its set asks for."""
    case, cut = CASES[source.case], WORDS[source.words]
    return cut(case(pair[0])), cut(case(pair[1]))


@dataclass(frozen=True)
class Captioned:
    """A picture of a set, as a file or as pixels, and what is said of it."""

    name: str
    picture: Path | Image
    captions: list[str]


def captioned(source: PairSource, data: Path, *, side: int) -> list[Captioned]:
    """The pictures of a set and their captions, in the case that the set asks for; scenes are drawn `side` pixels wide.

    Raises ConfigError if the set names no folder of pictures, DataError with `file:line` for a picture without a file.
    """
    if is_drawn(source):
        return [Captioned(name, pixels, _cased(texts, source)) for name, pixels, texts in drawn(source, side=side)]
    if source.pictures is None:
        raise ConfigError(f"{source.path}: a model of pictures wants `pictures`, got none; name their folder")
    path, folder, found = file_of(source.path, data), data / source.pictures, []
    columns = (source.columns[0], *(source.captions or source.columns[1:]))
    for number, (name, *texts) in enumerate(read_columns(path, columns=columns), start=1):
        if not (folder / name).is_file():
            raise DataError(f"{path}:{number}: wanted a picture in {folder}, got no file {name!r}; fetch it")
        found.append(Captioned(name, folder / name, _cased(texts, source)))
    return found[: source.rows]


def _cased(texts: Sequence[str], source: PairSource) -> list[str]:
    """What is said at all, in the case that the set asks for."""
    return [CASES[source.case](text) for text in texts if text.strip()]


def file_of(name: str, data: Path) -> Path:
    """Where a file of the recipe lies; DataError if it does not."""
    path = data / name
    if not path.exists():
        raise DataError(f"{path}: there is no such file; say with --data where the recipe's files are")
    return path


def _read(source: PairSource, data: Path) -> Iterator[Texts]:
    path = file_of(source.path, data)
    if source.target_path is not None:
        return read_aligned(path, data / source.target_path)
    return read_pairs(path, columns=source.columns)
