"""What `weft translate` reads where inputs have several sources: named texts, pictures, columns of a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from weft.base.errors import ConfigError, DataError
from weft.data.text import read_lines

if TYPE_CHECKING:
    from weft.models.source import SourceConfig

Named = dict[str, str]
Sources = Mapping[str, "SourceConfig"]

HEADER = "header"
"""What --source-columns says where the first line of the table names its columns."""


def named_texts(given: Sequence[str], images: Sequence[str], sources: Sources) -> list[Named]:
    """The one input that `--source NAME=TEXT` options, and perhaps a picture, make up.

    Raises ConfigError for one that names nothing, or names a source twice.
    """
    found: Named = {}
    for one in given:
        name, equals, text = one.partition("=")
        if not equals or not name:
            raise ConfigError(f"--source wants NAME=TEXT, got {one!r}; for instance --source de='Ein Hund.'")
        if name in found:
            raise ConfigError(f"--source {name} was given twice; each source has one text")
        found[name] = text
    return [found | {_picture(sources): image} for image in images] if images else [found]


def with_images(texts: Sequence[str], images: Sequence[str], sources: Sources) -> list[Named]:
    """Each text with its picture. Raises ConfigError for more pictures than texts, or fewer."""
    if len(images) != len(texts):
        raise ConfigError(f"--image wants one picture for each TEXT, got {len(images)} for {len(texts)}; give as many")
    picture = _picture(sources)
    text = next(name for name in sources if name != picture)
    return [{text: one, picture: image} for one, image in zip(texts, images, strict=True)]


def rows_of(path: str, columns: str, folder: Path, sources: Sources) -> Iterator[Named]:
    """Each line of a tab-separated file as sources by name; a blank cell is a source that is missing.

    `columns` are names parted by commas, one a column, blank for one that is passed over, or `header`. Pictures are
    files in `folder`. Raises ConfigError for names that come twice, DataError with `file:line` for a line of fewer
    columns, and for one that lacks a required source.
    """
    pictures, lines = _pictures(sources), enumerate(read_lines(path), start=1)
    names = next((line.split("\t") for _, line in lines), []) if columns == HEADER else columns.split(",")
    names = [name.strip() for name in names]
    used = [name for name in names if name]
    if not used or len(set(used)) != len(used):
        raise ConfigError(f"{path}: wanted a name for each column, all different, got {', '.join(used) or 'none'}")
    for number, line in lines:
        cells = line.split("\t")
        if line.strip() and len(cells) < len(names):
            raise DataError(
                f"{path}:{number}: wanted {len(names)} columns parted by tabs, got {len(cells)}; mend the line"
            )
        row = {name: cell for name, cell in zip(names, cells, strict=False) if name and cell.strip()}
        missing = [name for name, one in sources.items() if one.required and name not in row]
        if row and missing:
            raise DataError(f"{path}:{number}: wanted the source {missing[0]}, got none; fill it in or drop the line")
        yield {name: str(folder / cell) if name in pictures else cell for name, cell in row.items()}


def _pictures(sources: Sources) -> list[str]:
    return [name for name, one in sources.items() if one.reads.modality == "picture"]


def _picture(sources: Sources) -> str:
    """The one source that is a picture. Raises ConfigError where there is none, or several."""
    found = _pictures(sources)
    if len(found) != 1:
        names = ", ".join(sources) or "one text"
        raise ConfigError(
            f"--image wants a model with one picture among its sources, got one of {names}; choose another"
        )
    return found[0]
