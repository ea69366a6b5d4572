"""Where lines go: standard output, or a file that grows line by line and can be taken up again."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from weft.base.errors import ConfigError

_BLOCK = 1 << 20


@contextmanager
def line_writer(
    path: Path | None, *, append: bool = False, end: str = "\n", option: str = "--output"
) -> Iterator[Callable[[str], None]]:
    """A function that writes a line at once, so that what is done stays whatever happens next; None: standard output.

    `end` follows each text that is written; `option` is what named the file.

    Raises ConfigError if the file cannot be opened.
    """
    if path is None:
        yield lambda line: print(line, end=end, flush=True)
        return
    try:
        file = path.open("a" if append else "w", encoding="utf-8", errors="backslashreplace", newline="\n")
    except OSError as error:
        raise ConfigError(f"{option} {path}: wanted a file to write, got: {error.strerror}; choose another") from error
    with file:
        yield lambda line: print(line, end=end, file=file, flush=True)


def whole_inputs(path: Path, lines_each: int) -> int:
    """For how many inputs a file that was left off holds all `lines_each` lines; cuts off what is beyond them."""
    if not path.exists():
        return 0
    ends = _line_ends(path)
    done = len(ends) // lines_each
    with path.open("r+b") as file:
        file.truncate(ends[done * lines_each - 1] if done else 0)
    return done


def count_lines(path: str) -> int | None:
    """How many lines a plain file has; None if that is not to be known beforehand (standard input, compressed)."""
    if path == "-" or Path(path).suffix in (".gz", ".xz") or not Path(path).is_file():
        return None
    last, count = b"\n", 0
    with Path(path).open("rb") as file:
        while block := file.read(_BLOCK):
            count, last = count + block.count(b"\n"), block[-1:]
    return count + (last != b"\n")


def check_apart(source: str, target: Path | None, *, option: str = "--output") -> None:
    """Raises ConfigError if the file to write, named by an option, is the file to read."""
    if target is not None and source != "-" and target.exists() and Path(source).exists() and target.samefile(source):
        raise ConfigError(f"{option} {target} is the file that is read; choose another, or it would be lost")


def check_place(path: Path, *, option: str) -> None:
    """Raises ConfigError, before any work, for a file that could not be written when the work is done."""
    wrong = errno.EISDIR if path.is_dir() else 0 if path.parent.is_dir() else errno.ENOENT
    if not wrong and not os.access(path if path.exists() else path.parent, os.W_OK):
        wrong = errno.EACCES
    if wrong:
        raise ConfigError(f"{option} {path}: wanted a file to write, got: {os.strerror(wrong)}; choose another")


def to_terminal() -> bool:
    """Whether a person looks at standard output."""
    return sys.stdout.isatty()


def _line_ends(path: Path) -> list[int]:
    """The byte after each line end."""
    ends, place = [], 0
    with path.open("rb") as file:
        for line in file:
            place += len(line)
            if line.endswith(b"\n"):
                ends.append(place)
    return ends
