"""Columns of a corpus: each makes one source of a batch, of text or of pictures; a row may have it or not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from weft.base.padded import Padded, Shared, pad
from weft.base.shapes import Float, Tensor
from weft.data.augment import augmented
from weft.data.image import cut, numbers
from weft.data.pictures import Pictures
from weft.data.pixels import Augmentation, Pixels
from weft.data.ragged import Sequences
from weft.data.tokenizer import EOS

Rows = NDArray[np.int64]
NO_PICTURE = -1


class Column(Protocol):
    """One source of every row of a corpus."""

    def __len__(self) -> int: ...

    def lengths(self, epoch: int) -> Rows:
        """How many positions each row has in an epoch; 0 where it lacks this source."""
        ...

    def collate(self, rows: Rows, *, epoch: int = 0) -> Padded | Shared:
        """The rows as one batch; nothing of a row that lacks this source is real."""
        ...


@dataclass(frozen=True)
class TextColumn:
    """Token ids without specials; each row is read with `</s>` at its end. An empty row is no text."""

    texts: Sequences

    def __len__(self) -> int:
        return len(self.texts)

    def lengths(self, epoch: int) -> Rows:
        own = self.texts.lengths_in(epoch)
        return np.where(own > 0, own + 1, 0)

    def collate(self, rows: Rows, *, epoch: int = 0) -> Padded:
        """Ids `[b s]`."""
        found = [self.texts.ids(int(row), epoch).tolist() for row in rows]
        return pad([[*ids, EOS] if ids else [] for ids in found])


@dataclass(frozen=True)
class PictureColumn:
    """The picture of each row by its number (-1: none); rows with the same picture share it.

    With an augmentation a picture looks the same to all rows of an epoch, and in another epoch different: what is drawn
    depends on seed, epoch and picture alone, not on the batch. `blind` shows zeros in the place of every picture.
    """

    pictures: Pictures
    number: Rows
    pixels: Pixels
    patch: tuple[int, int]
    """Pixels of a patch, down and across."""
    size: tuple[int, int]
    """Pixels that the model reads, down and across."""
    augmentation: Augmentation = field(default_factory=Augmentation)
    seed: int = 0
    blind: bool = False

    @property
    def positions(self) -> int:
        """Patches of a picture."""
        return (self.size[0] // self.patch[0]) * (self.size[1] // self.patch[1])

    def __len__(self) -> int:
        return len(self.number)

    def lengths(self, epoch: int) -> Rows:
        return np.where(self.number >= 0, self.positions, 0)

    def collate(self, rows: Rows, *, epoch: int = 0) -> Shared:
        """Patches `[b s c p q]` of the pictures that the rows need, each once."""
        wanted = self.number[rows]
        if self.blind:
            wanted = np.where(wanted >= 0, 0, NO_PICTURE)
        distinct, row = np.unique(wanted, return_inverse=True)
        values = torch.stack([self._patches(int(number), epoch) for number in distinct])
        there = torch.from_numpy(distinct >= 0)[:, None].expand(-1, self.positions)
        return Shared(Padded(values, there.contiguous()), torch.from_numpy(row))

    def _patches(self, number: int, epoch: int) -> Float[Tensor, "s c p q"]:
        if self.blind or number == NO_PICTURE:
            return cut(torch.zeros(3, *self.size), patch=self.patch)
        picture = self.pictures[number]
        if self.augmentation != Augmentation():
            generator = np.random.default_rng([self.seed, epoch, number])
            picture = augmented(picture, self.augmentation, size=self.size, generator=generator)
        return cut(numbers(picture, self.pixels), patch=self.patch)
