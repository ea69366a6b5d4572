"""Files and folders that appear whole or not at all: written beside their place, synced to disk, renamed into it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """A path to write to; when the block ends well the file takes the place of `target`, else it is removed."""
    target = target.resolve()
    part = _beside(target, "part")
    try:
        yield part
        _sync(part)
        os.replace(part, target)
        _sync(target.parent)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """An empty folder to fill; when the block ends well it takes the place of `target`, else it is removed.

    No system call replaces a folder that is not empty, so the old one first moves to `.NAME.old`: a reader that finds
    no `target` calls `settle`, which undoes a swap that was cut off there. One writer at a time.
    """
    target = target.resolve()
    part = _beside(target, "part")
    shutil.rmtree(part, ignore_errors=True)  # left by a process that was killed
    part.mkdir(parents=True)
    try:
        yield part
        for path in (*part.rglob("*"), part):
            _sync(path)
        _swap(part, target)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def settle(target: Path) -> None:
    """Brings back what stood at `target` if a swap was cut off after it was moved away; else does nothing."""
    old = _beside(target.resolve(), "old")
    if old.exists() and not target.exists():
        os.rename(old, target.resolve())


def _swap(part: Path, target: Path) -> None:
    settle(target)
    old = _beside(target, "old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        os.rename(target, old)
    try:
        os.rename(part, target)
    except OSError:
        settle(target)
        raise
    _sync(target.parent)
    shutil.rmtree(old, ignore_errors=True)


def _beside(target: Path, role: str) -> Path:
    return target.with_name(f".{target.name}.{role}")


def _sync(path: Path) -> None:
    """Waits until the content (of a folder: the names in it) is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
