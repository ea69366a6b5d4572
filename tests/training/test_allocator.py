"""Memory that is kept between updates, and goes back to the system afterwards."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from weft.training.allocator import freed_memory_kept

MEGABYTES = 300
ALONE = f"""
from pathlib import Path
import torch
from weft.training.allocator import freed_memory_kept

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20

def use_a_big_block():
    torch.ones({MEGABYTES} * 2**18)

use_a_big_block()
before = resident()
with freed_memory_kept():
    use_a_big_block()
    kept = resident()
use_a_big_block()
print(before, kept, resident())
"""
"""In a process of its own: what others have left free in the heap of this one would be counted too."""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux's /proc")
def test_big_blocks_stay_within_and_go_afterwards() -> None:
    try:
        ctypes.CDLL("libc.so.6")
    except OSError:
        pytest.skip("this C library is not glibc")
    told = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, check=True).stdout
    before, kept, after = map(float, told.split())
    assert kept > before + 0.9 * MEGABYTES
    assert after < before + 0.1 * MEGABYTES


def test_without_glibc_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> ctypes.CDLL:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", missing)
    with freed_memory_kept():
        torch.ones(3)
