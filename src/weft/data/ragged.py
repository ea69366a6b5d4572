"""Rows of different lengths in one flat array."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Sequences(Protocol):
    """Rows of token ids, which may differ from epoch to epoch."""

    def __len__(self) -> int: ...

    def lengths_in(self, epoch: int) -> NDArray[np.int64]: ...

    def ids(self, row: int, epoch: int) -> NDArray[np.int32]: ...


@dataclass(frozen=True)
class Ragged:
    """Row i is `values[offsets[i] : offsets[i + 1]]`; values are int32, offsets int64 and one longer than the rows."""

    values: NDArray[np.int32]
    offsets: NDArray[np.int64]

    @classmethod
    def of(cls, rows: Iterable[ArrayLike]) -> Ragged:
        arrays = [np.asarray(row, dtype=np.int32) for row in rows]
        offsets = np.cumsum([0, *(len(array) for array in arrays)], dtype=np.int64)
        return cls(np.concatenate([np.zeros(0, dtype=np.int32), *arrays]), offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> NDArray[np.int32]:
        return self.values[self.offsets[row] : self.offsets[row + 1]]

    @property
    def lengths(self) -> NDArray[np.int64]:
        return np.diff(self.offsets)

    def lengths_in(self, epoch: int) -> NDArray[np.int64]:
        """The same in every epoch."""
        return self.lengths

    def ids(self, row: int, epoch: int) -> NDArray[np.int32]:
        """The same in every epoch."""
        return self[row]

    def select(self, rows: NDArray[np.int64]) -> Ragged:
        """The given rows, in the given order."""
        return Ragged.of(self[int(row)] for row in rows)
