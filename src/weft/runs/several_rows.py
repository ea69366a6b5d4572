"""The rows of a training or development set for a model of several sources, as its recipe asks for them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from weft.base.errors import ConfigError, DataError
from weft.base.validate import nearest
from weft.data.text import read_columns
from weft.models.source import Picture, SourceConfig
from weft.runs.pairs import CASES, file_of, sample_rows
from weft.runs.recipe import PairSource

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SeveralRow:
    """What one row has: its texts and the files of its pictures, by source, and its target."""

    texts: Mapping[str, str]
    pictures: Mapping[str, Path]
    target: str

    @property
    def first_text(self) -> str:
        """The text that the row is cleaned by and shown with; empty if it has none."""
        return next((text for text in self.texts.values() if text.strip()), "")


def several_rows(source: PairSource, data: Path, *, sources: Mapping[str, SourceConfig], seed: int) -> list[SeveralRow]:
    """The rows of one set, or a seeded sample of them; a blank cell is a source that its row lacks.

    Raises ConfigError for a set that does not say which column is which source, or names one that the model does not
    know; DataError with `file:line` for a required source that is missing, and for a picture without a file. A picture
    of a list that is not there is one that its row lacks.
    """
    _check(source, sources)
    path, listed = file_of(source.path, data), _listed(source, data)
    names, in_case = list(source.sources), CASES[source.case]
    unlisted = [name for name, one in sources.items() if isinstance(one.reads, Picture) and name not in source.sources]
    columns = [*source.sources.values(), source.columns[1]]
    found = []
    for number, (*cells, target) in enumerate(read_columns(path, columns=columns)):
        given = {name: cell for name, cell in zip(names, cells, strict=True) if cell.strip()}
        given |= {name: listed[number] for name in unlisted if number in listed}
        missing = [name for name, one in sources.items() if one.required and name not in given]
        if missing:
            raise DataError(
                f"{path}:{number + 1}: wanted the source {missing[0]}, got none; fill it in or drop the row"
            )
        pictures = {name for name in given if isinstance(sources[name].reads, Picture)}
        found.append(
            SeveralRow(
                {name: in_case(text) for name, text in given.items() if name not in pictures},
                {name: _picture(given[name], source, data, f"{path}:{number + 1}") for name in pictures},
                in_case(target),
            )
        )
    return [found[row] for row in sample_rows(len(found), source.rows, seed)]


def _check(source: PairSource, sources: Mapping[str, SourceConfig]) -> None:
    if not source.sources:
        raise ConfigError(
            f"{source.path}: the model reads {', '.join(sources)}, got a set that does not say which column is which; "
            "add sources = { name = column, ... }"
        )
    for name in source.sources:
        if name not in sources:
            raise ConfigError(f"{source.path}: the model has no source {name}; {nearest(name, list(sources))}")


def _listed(source: PairSource, data: Path) -> dict[int, str]:
    """The picture of each row by its number, where a list beside the set says so and the file is there."""
    if source.picture_list is None:
        return {}
    path, folder = file_of(source.picture_list, data), data / _folder(source)
    rows = [(int(number), name) for number, name in read_columns(path, columns=(0, 1))]
    found = {number: name for number, name in rows if (folder / name).is_file()}
    _log.info("%s: %d of %d pictures are in %s", path, len(found), len(rows), folder)
    return found


def _picture(name: str, source: PairSource, data: Path, place: str) -> Path:
    found = data / _folder(source) / name
    if not found.is_file():
        raise DataError(f"{place}: wanted a picture in {found.parent}, got no file {name!r}; fetch it")
    return found


def _folder(source: PairSource) -> str:
    if source.pictures is None:
        raise ConfigError(f'{source.path}: rows name pictures, got no folder of them; add pictures = "FOLDER"')
    return source.pictures
