"""Pictures with their captions, batched so that a picture and all that is said of it stand in one batch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
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

    Pictures whose longest captions are of like length stand together, in an order that is drawn anew every epoch. With
    `each`, an epoch has at most so many captions of a picture, drawn anew as well. With `short_first`, so many epochs
    leave out the pictures of which most is said: of n, epoch e reads the (e + 1) / (n + 1) with the shortest captions
    (a curriculum by length and a linear competence, Platanios et al. 2019, https://arxiv.org/abs/1903.09848).
    """

    def __init__(
        self, captions: Captions, *, tokens: int, seed: int, each: int | None = None, short_first: int = 0
    ) -> None:
        if tokens < 1:
            raise ConfigError(f"tokens must be at least 1, got {tokens}; a batch of 2,000 to 25,000 tokens is usual")
        self._captions, self._tokens, self._seed = captions, tokens, seed
        self._each, self._short_first = each, short_first
        self._lengths = captions.target.lengths + 1
        self._of_picture = sorted(captions.of_picture(), key=lambda rows: int(self._lengths[rows].max()))
        identity = {
            "tokens": tokens,
            "seed": seed,
            "rows": len(captions),
            "each": each or 0,
            "short_first": short_first,
        }
        self._stream = Stream(self.plan, identity)

    def group(self, count: int) -> list[Plan]:
        """The next `count` batches, not built."""
        return self._stream.take(count)

    def build(self, plan: Plan) -> CaptionBatch:
        """The batch of a plan."""
        return self._captions.batch(plan)

    def plan(self, epoch: int) -> list[Plan]:
        """All batches of an epoch, in their order: a pure function of captions, budget, seed and epoch."""
        generator = np.random.default_rng([self._seed, epoch])
        groups = [self._drawn(rows, generator) for rows in self._of_picture[: self._read_in(epoch)]]
        longest = np.array([self._lengths[rows].max() for rows in groups])
        order = np.lexsort((generator.permutation(len(groups)), longest))
        counts = np.array([len(rows) for rows in groups])
        batches = self._cut(counts[order].tolist(), longest[order].tolist())
        plans = [Plan(epoch, np.concatenate([groups[place] for place in order[first:end]])) for first, end in batches]
        return [plans[place] for place in generator.permutation(len(plans))]

    def _read_in(self, epoch: int) -> int:
        """How many pictures an epoch reads, those with the shortest captions first."""
        share = min(1.0, (epoch + 1) / (self._short_first + 1))
        return math.ceil(share * len(self._of_picture))

    def _drawn(self, rows: Rows, generator: np.random.Generator) -> Rows:
        """The captions of a picture that an epoch reads."""
        if self._each is None or self._each >= len(rows):
            return rows
        return np.sort(generator.permutation(rows)[: self._each])

    def _cut(self, counts: list[int], longest: list[int]) -> Iterator[tuple[int, int]]:
        """First and end of each batch: neighbours, as many as the budget allows, each with all captions drawn."""
        positions, first, rows, widest = self._captions.pictures.positions, 0, 0, 0
        for place, (count, length) in enumerate(zip(counts, longest, strict=True)):
            rows, widest = rows + count, max(widest, length)
            if place > first and (place + 1 - first) * positions + rows * widest > self._tokens:
                yield first, place
                first, rows, widest = place, count, length
        yield first, len(counts)

    def state_dict(self) -> dict[str, int]:
        return self._stream.state_dict()

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        self._stream.load_state_dict(state)
