"""What commands read where inputs have several sources: named texts, pictures, columns of a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from weft.base.errors import ConfigError, DataError
from weft.base.validate import nearest
from weft.cli.status import Problems
from weft.data.text import read_lines, read_pairs

if TYPE_CHECKING:
    from weft.models.source import SourceConfig

Named = dict[str, str]
Sources = Mapping[str, "SourceConfig"]

HEADER = "header"
"""What --source-columns says where the first line of the table names its columns."""
TARGET = "target"
"""The column of a table that is no source, but what it is translated to."""

Columns = Annotated[
    str | None,
    typer.Option(
        "--source-columns",
        metavar="NAMES",
        help="Sources that the columns are, and which is the target: en,target,de or header.",
    ),
]
Pictures = Annotated[
    Path | None,
    typer.Option("--images", metavar="DIR", help="Where pictures named in a table lie; default: beside it."),
]


@dataclass(frozen=True)
class Row:
    """One input as it was given, before its pictures are opened."""

    place: str
    """Where it was given, for messages."""
    texts: Named
    pictures: Named
    """The path of each."""
    target: str = ""
    problem: str = ""
    """What is wrong with it, if anything is."""


def named_texts(given: Sequence[str], images: Sequence[str], sources: Sources) -> list[Row]:
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
    pictures = [{_picture(sources): image} for image in images]
    return [Row("--source", found, one) for one in pictures or [{}]]


def with_images(texts: Sequence[str], images: Sequence[str], sources: Sources) -> list[Row]:
    """Each text with its picture. Raises ConfigError for more pictures than texts, or fewer."""
    if len(images) != len(texts):
        raise ConfigError(f"--image wants one picture for each TEXT, got {len(images)} for {len(texts)}; give as many")
    picture = _picture(sources)
    text = next(name for name in sources if name != picture)
    pairs = enumerate(zip(texts, images, strict=True), start=1)
    return [Row(f"TEXT {number}", {text: one}, {picture: image}) for number, (one, image) in pairs]


def rows_of(path: str, columns: str, folder: Path | None, sources: Sources, *, target: bool = False) -> Iterator[Row]:
    """Each line of a tab-separated file as sources by name; a blank cell is a source that is missing.

    `columns` are names parted by commas, one a column, blank for one that is passed over, or `header`. Pictures are
    files in `folder` (None: beside the file). With `target` one column has that name. Raises ConfigError for names that
    come twice, that the model does not know, or no target; a line of fewer columns, or without a required source, has
    a problem.
    """
    lines = enumerate(read_lines(path), start=1)
    names = next((line.split("\t") for _, line in lines), []) if columns == HEADER else columns.split(",")
    names = [name.strip() for name in names]
    _check(path, names, sources, target=target)
    beside, pictures = Path(path).parent if folder is None else folder, _pictures(sources)
    for number, line in lines:
        cells = dict(zip(names, line.split("\t"), strict=False))
        cells.pop("", None)
        written = cells.pop(TARGET, "") if target else ""
        given = {name: cell for name, cell in cells.items() if cell.strip()}
        texts = {name: cell for name, cell in given.items() if name not in pictures}
        paths = {name: str(beside / cell) for name, cell in given.items() if name in pictures}
        yield Row(f"{path}:{number}", texts, paths, written, _problem(line, names, given, sources, target))


def opened(row: Row, problems: Problems | None = None) -> dict[str, Any] | None:
    """An input with its pictures read; None, and its problem said, if it has one.

    Without `problems` to say it to, it is raised as a DataError.
    """
    try:
        found = _opened(row)
    except DataError as error:
        if problems is None:
            raise
        problems.say(str(error))
        return None
    if problems is not None:
        problems.good += 1
    return found


def pairs_of(
    path: str, columns: str | None, folder: Path | None, sources: Sources, problems: Problems | None = None
) -> Iterator[tuple[Any, str]]:
    """What stands in each line of a table and what it is translated to: sources by name, or without `columns` a text.

    A line that has a problem has no sources; see `opened`.
    """
    if columns is None:
        yield from read_pairs(path)
        return
    for row in rows_of(path, columns, folder, sources, target=True):
        yield opened(row, problems), row.target


def _opened(row: Row) -> dict[str, Any]:
    from weft.translating.captioning import OpenedPicture

    if row.problem:
        raise DataError(f"{row.place}: {row.problem}")
    try:
        return {**row.texts, **{name: OpenedPicture.of(path) for name, path in row.pictures.items()}}
    except DataError as error:
        raise DataError(f"{row.place}: {error}") from error


def _check(path: str, names: Sequence[str], sources: Sources, *, target: bool) -> None:
    """Raises ConfigError for names of columns that do not fit the model."""
    used = [name for name in names if name]
    if not used or len(set(used)) != len(used):
        raise ConfigError(f"{path}: wanted a name for each column, all different, got {', '.join(used) or 'none'}")
    if target and TARGET not in used:
        raise ConfigError(f"{path}: wanted a column {TARGET} among those named, got {', '.join(used)}; name it too")
    for name in used:
        if name not in sources and not (target and name == TARGET):
            raise ConfigError(f"{path}: this model has no source {name}; {nearest(name, list(sources))}")


def _problem(line: str, names: Sequence[str], given: Named, sources: Sources, target: bool) -> str:
    """What is wrong with a line; nothing with a blank one, unless it has a target."""
    cells = len(line.split("\t"))
    if target and not given:
        return f"wanted one of the sources {', '.join(sources)}, got none; fill one in or drop the line"
    if line.strip() and cells < len(names):
        return f"wanted {len(names)} columns parted by tabs, got {cells}; mend the line"
    missing = [name for name, one in sources.items() if one.required and name not in given]
    return f"wanted the source {missing[0]}, got none; fill it in or drop the line" if given and missing else ""


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
