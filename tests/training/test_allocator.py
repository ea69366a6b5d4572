"""Memory that is kept between updates, and goes back to the system afterwards."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest
import torch

from weft.training.allocator import freed_memory_kept

MEGABYTES = 300


def resident() -> float:
    """Megabytes of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * 4096 / 2**20


def use_a_big_block() -> None:
    torch.ones(MEGABYTES * 2**18)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux's /proc")
def test_big_blocks_stay_within_and_go_afterwards() -> None:
    try:
        ctypes.CDLL("libc.so.6")
    except OSError:
        pytest.skip("this C library is not glibc")
    use_a_big_block()
    before = resident()
    with freed_memory_kept():
        use_a_big_block()
        kept = resident()
    use_a_big_block()
    after = resident()
    assert kept > before + 0.9 * MEGABYTES
    assert after < before + 0.1 * MEGABYTES


def test_without_glibc_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> ctypes.CDLL:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", missing)
    with freed_memory_kept():
        use_a_big_block()
