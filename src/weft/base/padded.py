"""A batch of sequences of different lengths: values, and which of them are real."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, runtime_checkable

import torch

from weft.base.errors import ShapeError
from weft.base.shapes import Bool, Int, Tensor


@runtime_checkable
class Rows(Protocol):
    """Something with a row for each source of a batch."""

    def select(self, rows: Tensor) -> Any: ...


Read = TypeVar("Read", bound=Rows)


@dataclass(frozen=True)
class Padded:
    """Values `[b s ...]` with `keep` `[b s]`: True where a position is real, False where it is padding."""

    values: Tensor
    keep: Bool[Tensor, "b s"]

    def __post_init__(self) -> None:
        if self.keep.dtype is not torch.bool or self.keep.shape != self.values.shape[:2]:
            raise ShapeError(
                f"keep must be bool [b s] = {list(self.values.shape[:2])}, "
                f"got {self.keep.dtype} {list(self.keep.shape)}; pad values and keep together"
            )

    def __len__(self) -> int:
        return len(self.keep)

    @property
    def lengths(self) -> Tensor:
        """The number of real positions of each row, `[b]`."""
        return self.keep.sum(1)

    @property
    def distinct(self) -> Padded:
        """What is read, each source once."""
        return self

    @property
    def row(self) -> Int[Tensor, " b"]:
        """Which row each row reads: its own, as nothing is shared."""
        return torch.arange(len(self), device=self.keep.device)

    def with_values(self, values: Tensor) -> Padded:
        """The same positions with other values, `[b s ...]`."""
        return Padded(values, self.keep)

    def select(self, rows: Tensor) -> Padded:
        """The given rows, in the given order; the columns stay as they are."""
        return Padded(self.values[rows], self.keep[rows])

    def read_by(self, reader: Callable[[Padded], Read]) -> Read:
        """What a reader (an encoder, say) makes of every row."""
        return reader(self)

    def left_aligned(self) -> Padded:
        """The same rows with their real positions first, in order, and all padding after them."""
        order_bs = (~self.keep).long().argsort(dim=1, stable=True)
        rows_b1 = torch.arange(len(self), device=order_bs.device)[:, None]
        return Padded(self.values[rows_b1, order_bs], self.keep.gather(1, order_bs))

    def to(self, device: torch.device | str) -> Padded:
        return Padded(self.values.to(device), self.keep.to(device))

    def without(self, rows: Bool[Tensor, " b"]) -> Padded:
        """The same batch in which nothing of these rows is real."""
        return Padded(self.values, self.keep & ~rows[:, None])


@dataclass(frozen=True)
class Shared:
    """A batch whose rows share what they read: row r reads `padded[row[r]]`.

    A picture with five captions makes five rows of target, and is encoded once.
    """

    padded: Padded
    row: Int[Tensor, " b"]

    def __post_init__(self) -> None:
        if len(self.row) and not 0 <= int(self.row.min()) <= int(self.row.max()) < len(self.padded):
            raise ShapeError(
                f"row must name one of {len(self.padded)} shared rows, got {int(self.row.min())} to "
                f"{int(self.row.max())}; count from 0"
            )

    def __len__(self) -> int:
        return len(self.row)

    @property
    def distinct(self) -> Padded:
        """What is read, each source once."""
        return self.padded

    @property
    def keep(self) -> Bool[Tensor, "b s"]:
        """True where a position of a row is real."""
        return self.padded.keep[self.row]

    def select(self, rows: Tensor) -> Shared:
        """The given rows, in the given order; what they share stays as it is."""
        return Shared(self.padded, self.row[rows])

    def read_by(self, reader: Callable[[Padded], Read]) -> Read:
        """What a reader makes of every row; it reads each of the shared ones once."""
        found: Read = reader(self.padded).select(self.row)
        return found

    def to(self, device: torch.device | str) -> Shared:
        return Shared(self.padded.to(device), self.row.to(device))

    def without(self, rows: Bool[Tensor, " b"]) -> Shared:
        """The same batch in which nothing of these rows is real: they share one more row of padding alone."""
        keep = torch.cat((self.padded.keep, torch.zeros_like(self.padded.keep[:1])))
        values = torch.cat((self.padded.values, torch.zeros_like(self.padded.values[:1])))
        return Shared(Padded(values, keep), self.row.masked_fill(rows, len(self.padded)))


def pad(sequences: Sequence[Sequence[int]], *, padding: int = 0, device: torch.device | str | None = None) -> Padded:
    """Token ids as one `[b s]` batch, `s` the longest length (at least 1), padded at the end."""
    width = max((len(sequence) for sequence in sequences), default=0) or 1
    values = torch.full((len(sequences), width), padding, dtype=torch.long)
    keep = torch.zeros(len(sequences), width, dtype=torch.bool)
    for row, sequence in enumerate(sequences):
        values[row, : len(sequence)] = torch.as_tensor(sequence, dtype=torch.long)
        keep[row, : len(sequence)] = True
    return Padded(values.to(device), keep.to(device))
