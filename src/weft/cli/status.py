"""How a command ends: the exit statuses, and one message on standard error for whatever went wrong."""

from __future__ import annotations

import io
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import typer

from weft.base.errors import WeftError

SOME_FAILED = 1
"""Some inputs failed, the rest was done."""
WRONG = 2
"""Bad usage, input, configuration or file."""
INTERRUPTED = 130
"""Ctrl-C."""
PIPE_CLOSED = 141
"""The reader of a pipe went away."""


class Problems:
    """What was said of inputs that failed, while the rest goes on."""

    def __init__(self) -> None:
        self.bad = self.good = 0

    def say(self, problem: str) -> None:
        """Says what is wrong with one input."""
        note(problem)
        self.bad += 1

    def end(self) -> None:
        """Raises `typer.Exit` if there were any: all inputs failed, or some did and the rest was done."""
        if self.bad:
            raise typer.Exit(SOME_FAILED if self.good else WRONG)


def note(message: str) -> None:
    """Says one line on standard error."""
    print(f"weft: {' '.join(message.splitlines())}", file=sys.stderr, flush=True)


@contextmanager
def guarded(*, debug: bool = False, quiet: bool = False) -> Iterator[None]:
    """Within the block every failure becomes a message and `typer.Exit`; `debug` shows the traceback too.

    Library notes from warnings upward go to standard error, with `quiet` only errors; text leaves as UTF-8.
    """
    _speak_utf8()
    try:
        with _notes_from(logging.DEBUG if debug else logging.ERROR if quiet else logging.WARNING), _warnings(debug):
            yield
        sys.stdout.flush()
    except typer.Exit:
        raise
    except BrokenPipeError:
        _give_up_stdout()
        raise typer.Exit(PIPE_CLOSED) from None
    except (Exception, KeyboardInterrupt) as error:
        if debug:
            traceback.print_exc()
        note(_message(error))
        _give_up_stdout()
        raise typer.Exit(INTERRUPTED if isinstance(error, KeyboardInterrupt) else WRONG) from None


def _message(error: BaseException) -> str:
    if isinstance(error, WeftError):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return str(error) or "stopped"
    if isinstance(error, OSError) and error.strerror:
        place = error.filename or "output"
        return f"{place}: wanted to read or write, got: {error.strerror}; check the path and the room on the disk"
    return f"an error that weft did not foresee: {type(error).__name__}: {error}; --debug shows where it came from"


def _give_up_stdout() -> None:
    """Flushes standard output; if it takes nothing any more, the interpreter must not try again when it ends."""
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _speak_utf8() -> None:
    """What is no text, as in names of files that are no UTF-8, is written as an escape, which JSON reads again."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


class _Notes(logging.Handler):
    """Log records as notes, on whatever standard error is at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        note(record.getMessage())


@contextmanager
def _notes_from(level: int) -> Iterator[None]:
    """Within the block what the library logs at this level and above is said."""
    logger = logging.getLogger("weft")
    before = logger.level, logger.handlers
    logger.setLevel(level)
    logger.handlers = [_Notes()]
    try:
        yield
    finally:
        logger.handlers = before[1]
        logger.setLevel(before[0])


@contextmanager
def _warnings(wanted: bool) -> Iterator[None]:
    """Within the block other packages' warnings are silent, unless they are wanted or Python was told to show them."""
    with warnings.catch_warnings():
        if not wanted and not sys.warnoptions:
            warnings.simplefilter("ignore")
        yield
