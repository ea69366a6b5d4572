"""Which pictures a command line means: files, folders that are walked, and patterns."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from weft.base.errors import DataError

ENDINGS = frozenset(
    (".bmp", ".gif", ".jfif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tga", ".tif", ".tiff", ".webp")
)
"""What files end in that a walk through a folder takes for pictures; one that is named is read whatever it ends in."""
_FILE = "file:"


@dataclass(frozen=True)
class PictureFiles:
    """Paths of pictures in order, and what is to be said of arguments that name none."""

    paths: tuple[str, ...]
    problems: tuple[str, ...] = ()
    single: bool = False
    """Whether one picture was named, and nothing else."""


def found_files(arguments: Sequence[str]) -> PictureFiles:
    """The pictures that are named, each once. Raises DataError if there is none at all."""
    paths: dict[str, None] = {}
    problems: list[str] = []
    for argument in arguments:
        told = len(problems)
        found = list(_meant(argument, problems))
        paths |= dict.fromkeys(found)
        if not found and len(problems) == told:
            problems.append(_nothing(argument))
    if not paths:
        raise DataError("; ".join(problems))
    single = len(arguments) == 1 and list(paths) == [arguments[0]]
    return PictureFiles(tuple(paths), tuple(problems), single)


def _meant(argument: str, problems: list[str]) -> Iterator[str]:
    path = Path(argument).expanduser()
    if argument.startswith(_FILE) or path.is_file():
        yield argument
    elif path.is_dir():
        yield from map(str, _walked(path, problems))
    elif glob.has_magic(argument):
        for name in sorted(glob.glob(str(path), recursive=True)):
            found = Path(name)
            yield from map(str, _walked(found, problems) if found.is_dir() else [found])


def _walked(folder: Path, problems: list[str]) -> Iterator[Path]:
    """The pictures in a folder and below, folder by folder, in the order of their names; hidden ones are left out.

    What is wrong with a folder that cannot be looked into joins the problems.
    """
    try:
        paths = sorted(folder.iterdir(), key=lambda one: (one.is_dir(), one.name))
    except OSError as error:
        problems.append(
            f"{folder}: wanted a folder of pictures, got: {error.strerror}; make it readable, or leave it out"
        )
        return
    for path in paths:
        if path.name.startswith("."):
            continue
        if path.is_dir():
            yield from () if path.is_symlink() else _walked(path, problems)
        elif path.suffix.lower() in ENDINGS:
            yield path


def _nothing(argument: str) -> str:
    if "://" in argument:
        return f"{argument}: wanted a local picture, got the URL of another machine; download it first"
    if Path(argument).expanduser().is_dir():
        return f"{argument}: wanted pictures, got a folder without any; name another, or name the files"
    if glob.has_magic(argument):
        return f"{argument}: wanted pictures, got a pattern that fits no file; check it"
    return f"{argument}: wanted a picture, got no such file; check the path"
