"""Several named sources of one batch: texts, pictures, sound, each with its own padding, width and length."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch

from weft.base.errors import ShapeError, UnsupportedError
from weft.base.padded import Padded
from weft.base.shapes import Bool, Tensor


@runtime_checkable
class Part(Protocol):
    """The batch of one source: `Padded`, or rows that share what they read."""

    @property
    def keep(self) -> Bool[Tensor, "b s"]: ...

    def __len__(self) -> int: ...

    def read_by(self, encoder: Callable[[Padded], Padded]) -> Padded: ...

    def select(self, rows: Tensor) -> Part: ...

    def to(self, device: torch.device | str) -> Part: ...

    def without(self, rows: Bool[Tensor, " b"]) -> Part: ...


@dataclass(frozen=True)
class Sources:
    """What every row of a batch reads, by the name of the source.

    A row that lacks a source has `keep` False all along in it; a source that no row has may be left out. Raises
    ShapeError where the sources are of unequal batch size, or there are none.
    """

    parts: Mapping[str, Part]

    def __post_init__(self) -> None:
        sizes = {name: len(part) for name, part in self.parts.items()}
        if len(set(sizes.values())) != 1:
            got = ", ".join(f"{name} {size}" for name, size in sizes.items()) or "none"
            raise ShapeError(
                f"sources wants one source or more, all with as many rows, got {got}; a row that lacks a source has "
                "keep False all along in it"
            )

    def __len__(self) -> int:
        return len(next(iter(self.parts.values())))

    @property
    def keep(self) -> Bool[Tensor, "b s"]:
        """Which positions are real, of all sources one after the other."""
        return torch.cat([part.keep for part in self.parts.values()], 1)

    @property
    def lengths(self) -> Tensor:
        """The number of real positions of each row in all sources, `[b]`."""
        return self.keep.sum(1)

    def read_by(self, encoder: Callable[[Padded], Padded]) -> Padded:
        """Raises UnsupportedError: a model that has one encoder reads one source."""
        raise UnsupportedError(
            f"wanted one source, got {', '.join(self.parts)}; give one alone, or train a model with [model.sources]"
        )

    def select(self, rows: Tensor) -> Sources:
        """The given rows, in the given order."""
        return Sources({name: part.select(rows) for name, part in self.parts.items()})

    def to(self, device: torch.device | str) -> Sources:
        return Sources({name: part.to(device) for name, part in self.parts.items()})
