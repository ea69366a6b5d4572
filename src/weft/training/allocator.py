"""Big blocks of memory that are kept for the next update instead of going back to the system."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4  # malloc.h of glibc
_KEEP = {_MMAP_MAX: 0, _TRIM_THRESHOLD: -1}
"""No block is mapped for itself, and the heap never shrinks."""
_GIVE_BACK = {_MMAP_MAX: 65536, _MMAP_THRESHOLD: 32 << 20, _TRIM_THRESHOLD: 64 << 20}
"""What glibc comes to by itself in a process that has used big blocks; once told anything it adapts no more."""


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Within the block glibc keeps what this process frees; where malloc is another, nothing happens.

    An update frees and asks for the same big blocks over and over. By default each comes from the system and goes back
    to it, and every page of it is cleared and mapped anew, which took 7 % of the processor time of updates of a
    model of width 384. The process stays as large as its largest update until the block ends.
    """
    try:
        libc = ctypes.CDLL("libc.so.6")  # as glibc is called, and no other
    except OSError:
        yield
        return
    _tell(libc, _KEEP)
    try:
        yield
    finally:
        _tell(libc, _GIVE_BACK)
        libc.malloc_trim(0)


def _tell(libc: ctypes.CDLL, settings: dict[int, int]) -> None:
    for name, value in settings.items():
        libc.mallopt(name, value)
