"""Pictures with their captions, batched so that a picture and all that is said of it stand in one batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from weft.base.edges import Edges
from weft.base.errors import ConfigError, DataError
from weft.base.padded import Padded, Shared
from weft.base.shapes import Int, Tensor
from weft.data.batch import ended, shifted
from weft.data.columns import PictureColumn
from weft.data.ragged import Ragged
from weft.data.stream import Plan, Stream

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class CaptionBatch:
    """The decoder reads tag + tokens and is to write tokens + `</s>`; rows of one picture share it."""

    source: Shared
    target_input: Int[Tensor, "b t"]
    target_output: Padded
    epoch: int
    rows: Rows
    edges: Edges

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def padded_tokens(self) -> int:
        """Positions of the pictures and of all captions, padding included: what the budget counts."""
        return self.source.padded.keep.numel() + self.target_output.keep.numel()

    @property
    def real_tokens(self) -> int:
        """Positions of pictures and captions that are not padding."""
        return int(self.source.padded.keep.sum() + self.target_output.keep.sum())

    def to(self, device: torch.device | str) -> CaptionBatch:
        return CaptionBatch(
            self.source.to(device),
            self.target_input.to(device),
            self.target_output.to(device),
            self.epoch,
            self.rows,
            self.edges.to(device),
        )


@dataclass(frozen=True)
class Captions:
    """Captions as token ids without specials, and of which picture each speaks (those of `pictures`)."""

    pictures: PictureColumn
    target: Ragged
    tags: Rows
    """The tag of each caption's language."""

    def __post_init__(self) -> None:
        rows = [len(self.pictures.number), len(self.target), len(self.tags)]
        if len(set(rows)) != 1 or not rows[0]:
            raise DataError(f"wanted a picture and a language for every caption, got {rows}; give one of each a row")

    def __len__(self) -> int:
        return len(self.target)

    def of_picture(self) -> list[Rows]:
        """The rows of each picture that has any, in the order of the pictures."""
        order = np.argsort(self.pictures.number, kind="stable")
        bounds = np.flatnonzero(np.diff(self.pictures.number[order])) + 1
        return list(np.split(order, bounds))

    def batch(self, plan: Plan) -> CaptionBatch:
        """The batch of a plan."""
        target = ended([self.target[int(row)] for row in plan.rows])
        heard = shifted(target, torch.from_numpy(self.tags[plan.rows]))
        source = self.pictures.collate(plan.rows, epoch=plan.epoch)
        return CaptionBatch(source, heard, target, plan.epoch, plan.rows, Edges.none())


class CaptionBatches:
    """Batches of at most `tokens` padded positions: those of each picture once, and those of all its captions.

    Pictures whose longest captions are of like length stand together, in an order that is drawn anew every epoch.
    """

    def __init__(self, captions: Captions, *, tokens: int, seed: int) -> None:
        if tokens < 1:
            raise ConfigError(f"tokens must be at least 1, got {tokens}; a batch of 2,000 to 25,000 tokens is usual")
        self._captions, self._tokens, self._seed = captions, tokens, seed
        self._groups = captions.of_picture()
        lengths = captions.target.lengths + 1
        self._longest = np.array([lengths[rows].max() for rows in self._groups])
        self._counts = np.array([len(rows) for rows in self._groups])
        self._stream = Stream(self.plan, {"tokens": tokens, "seed": seed, "rows": len(captions)})

    def group(self, count: int) -> list[Plan]:
        """The next `count` batches, not built."""
        return self._stream.take(count)

    def build(self, plan: Plan) -> CaptionBatch:
        """The batch of a plan."""
        return self._captions.batch(plan)

    def plan(self, epoch: int) -> list[Plan]:
        """All batches of an epoch, in their order: a pure function of captions, budget, seed and epoch."""
        generator = np.random.default_rng([self._seed, epoch])
        order = np.lexsort((generator.permutation(len(self._groups)), self._longest))
        batches = self._cut(order)
        plans = [Plan(epoch, np.concatenate([self._groups[place] for place in places])) for places in batches]
        return [plans[place] for place in generator.permutation(len(plans))]

    def _cut(self, order: Rows) -> list[list[int]]:
        """Neighbours in the order, as many together as the budget allows; a picture's captions are never parted."""
        positions, rows, widest = self._captions.pictures.positions, 0, 0
        batches: list[list[int]] = [[]]
        for place in order.tolist():
            rows, widest = rows + int(self._counts[place]), max(widest, int(self._longest[place]))
            if batches[-1] and (len(batches[-1]) + 1) * positions + rows * widest > self._tokens:
                batches.append([])
                rows, widest = int(self._counts[place]), int(self._longest[place])
            batches[-1].append(place)
        return batches

    def state_dict(self) -> dict[str, int]:
        return self._stream.state_dict()

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        self._stream.load_state_dict(state)
