"""Readers of lines, tab-separated pairs and line-aligned files: plain, .gz, .xz or standard input, never all in memory.

A line ends with `\\n` or `\\r\\n` and with nothing else: form feeds, U+0085 and U+2028 are text.
"""

from __future__ import annotations

import gzip
import lzma
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import IO, Any, cast

from weft.base.errors import DataError

_BYTE_ORDER_MARK = "\ufeff"
_OPENERS: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".xz": lzma.open}


def read_lines(source: Path | str) -> Iterator[str]:
    """The lines of a file without their ends; `-` is standard input, and a byte order mark is no text.

    Raises DataError with `file:line` for a bad byte or damaged compression, and with the name for a file that cannot
    be opened.
    """
    number = 0
    try:
        with _opened(source) as stream:
            for number, raw in enumerate(stream, start=1):
                line = _decoded(raw, f"{source}:{number}")
                yield line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line
    except (EOFError, gzip.BadGzipFile, lzma.LZMAError) as error:
        raise DataError(f"{source}:{number + 1}: wanted whole compressed text, got: {error}; fetch it again") from error


def read_pairs(path: Path | str, *, columns: tuple[int, int] = (0, 1)) -> Iterator[tuple[str, str]]:
    """Source and target of every line of a tab-separated file; `columns` are their 0-based columns.

    Raises DataError with `file:line` where a column is missing.
    """
    return ((source, target) for source, target in read_columns(path, columns=columns))


def read_columns(path: Path | str, *, columns: Sequence[int]) -> Iterator[list[str]]:
    """The given columns (from 0) of every line of a tab-separated file, in the given order.

    Raises DataError with `file:line` where one is missing.
    """
    wanted = max(columns) + 1
    for number, line in enumerate(read_lines(path), start=1):
        cells = line.split("\t")
        if len(cells) < wanted:
            raise DataError(
                f"{path}:{number}: wanted at least {wanted} tab-separated columns, got {len(cells)}; "
                "mend the line or choose other columns"
            )
        yield [cells[column] for column in columns]


def read_aligned(source_path: Path | str, target_path: Path | str) -> Iterator[tuple[str, str]]:
    """Line i of the one file with line i of the other; DataError where one of them ends before the other."""
    lines = zip_longest(read_lines(source_path), read_lines(target_path))
    for number, (source, target) in enumerate(lines, start=1):
        if source is None or target is None:
            shorter, longer = (source_path, target_path) if source is None else (target_path, source_path)
            raise DataError(
                f"{longer}:{number}: wanted {number - 1} lines, as in {shorter}, got more; "
                "line i of one file must translate line i of the other"
            )
        yield source, target


@contextmanager
def _opened(source: Path | str) -> Iterator[IO[bytes]]:
    """The bytes of a source, decompressed; standard input is left open."""
    if str(source) == "-":
        yield sys.stdin.buffer
        return
    opener = _OPENERS.get(Path(source).suffix, open)
    try:
        stream = cast(IO[bytes], opener(source, "rb"))
    except OSError as error:
        raise DataError(f"{source}: wanted a readable file, got: {error.strerror}; check the path") from error
    with stream:
        yield stream


def _decoded(raw: bytes, place: str) -> str:
    """One line of bytes as text without its end."""
    if raw.endswith(b"\n"):
        raw = raw[:-2] if raw.endswith(b"\r\n") else raw[:-1]
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{place}: wanted UTF-8, got byte 0x{raw[error.start]:02x} at byte {error.start + 1} of the line "
            f"({error.reason}); convert the file to UTF-8"
        ) from error
