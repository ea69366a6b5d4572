"""A safetensors file read straight into place: no mapping and no second copy, and an error that names the tensor."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import torch

from weft.base.errors import DataError
from weft.base.shapes import Tensor

DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
_LARGEST_HEADER = 100_000_000  # bytes, the format's own limit
_BLOCK = 1 << 20  # numbers converted at a time


@dataclass(frozen=True)
class Entry:
    """Where a tensor lies: its file, its type as the file names it, its shape, and its bytes in the file."""

    path: Path
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int

    def check(self, name: str) -> torch.dtype:
        """The type of its numbers; DataError unless they are floats and fill the shape."""
        if self.dtype not in DTYPES:
            raise DataError(f"{self.path}: {name} wants one of {', '.join(DTYPES)}, got {self.dtype}; convert it first")
        dtype = DTYPES[self.dtype]
        if prod(self.shape) * dtype.itemsize != self.end - self.start:
            raise DataError(
                f"{self.path}: {name} wants {prod(self.shape) * dtype.itemsize} bytes for {list(self.shape)}, got "
                f"{self.end - self.start}; the file is damaged: fetch it again"
            )
        return dtype

    def copy_into(self, name: str, target: Tensor, *, skip: int = 0) -> None:
        """Fills a contiguous tensor with the numbers from row `skip` on, converted to its type block by block."""
        dtype, flat = self.check(name), target.view(-1)
        row = prod(self.shape[1:]) * dtype.itemsize
        with self.path.open("rb", buffering=0) as file:
            file.seek(self.start + skip * row)
            for first in range(0, len(flat), _BLOCK):
                part = flat[first : first + _BLOCK]
                block = (
                    part if part.dtype is dtype and part.device.type == "cpu" else torch.empty(len(part), dtype=dtype)
                )
                _fill(file, block, self.path, name)
                if block is not part:
                    part.copy_(block)


def read_header(path: Path) -> Mapping[str, Entry]:
    """Every tensor of a file by name. Raises DataError if it is no such file or is cut off (naming the first lost)."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8).ljust(8, b"\xff"))
            header = json.loads(file.read(length)) if length <= min(size, _LARGEST_HEADER) else None
    except OSError as error:
        raise DataError(f"{path}: wanted weights, got: {error.strerror}; fetch the checkpoint again") from error
    except ValueError:
        header = None
    if not isinstance(header, dict):
        raise DataError(f"{path}: wanted safetensors, got another kind of file or a cut header; fetch it again")
    header.pop("__metadata__", None)
    entries = {name: _entry(path, name, about, 8 + length) for name, about in header.items()}
    for name, entry in sorted(entries.items(), key=lambda item: item[1].end):
        if entry.end > size:
            raise DataError(
                f"{path}: cut off: {name} wants bytes up to {entry.end}, the file ends at {size}; fetch it again"
            )
    last = max((entry.end for entry in entries.values()), default=8 + length)
    if size > last:
        raise DataError(f"{path}: wanted {last} bytes, as its header says, got {size}; it is damaged: fetch it again")
    return entries


def _entry(path: Path, name: str, about: Any, origin: int) -> Entry:
    try:
        start, end = about["data_offsets"]
        return Entry(path, str(about["dtype"]), tuple(int(n) for n in about["shape"]), origin + start, origin + end)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{path}: {name} wants a dtype, a shape and two offsets, got {about!r}; fetch it again"
        ) from error


def _fill(file: Any, block: Tensor, path: Path, name: str) -> None:
    raw = block.view(torch.uint8).numpy().data
    done = 0
    while done < len(raw):
        count = file.readinto(raw[done:])
        if not count:
            raise DataError(f"{path}: cut off in {name}; fetch it again")
        done += count
