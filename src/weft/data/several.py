"""Rows of several sources and one target, batched; a source may be missing, and training may withhold more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from weft.base.edges import Edges
from weft.base.errors import ConfigError, DataError
from weft.base.sources import Part, Sources
from weft.data.batch import Batch, ended, planned, shifted
from weft.data.columns import Column
from weft.data.mixture import Tours
from weft.data.ragged import Sequences
from weft.data.stream import Plan, Stream

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class SeveralRows:
    """Sources by name, targets as token ids without specials, and the tag of each target's language."""

    columns: Mapping[str, Column]
    target: Sequences
    tags: Rows
    texts: frozenset[str]
    """The names of the sources that are text: their positions are what the budget of a batch counts."""
    withheld: Mapping[str, float] = field(default_factory=dict)
    """How often training acts as if a row lacked a source that it has."""
    seed: int = 0
    tours: Tours | None = None
    """Which rows an epoch visits; None: each once."""

    def __post_init__(self) -> None:
        sizes = {name: len(column) for name, column in self.columns.items()}
        if {len(self.target), len(self.tags), *sizes.values()} != {len(self.target)} or not len(self.target):
            raise DataError(
                f"wanted each source and a language for every target, got {len(self.target)} targets, {len(self.tags)} "
                f"languages and {sizes}; give one of each a row"
            )

    def __len__(self) -> int:
        return len(self.target)

    def source_lengths(self, epoch: int = 0) -> Rows:
        """The tokens of all texts of each row, with the end of each."""
        return np.sum([self.columns[name].lengths(epoch) for name in self.texts], axis=0, dtype=np.int64)

    def target_lengths(self, epoch: int = 0) -> Rows:
        """The tokens of the target of each row, with its end."""
        return self.target.lengths_in(epoch) + 1

    def longest(self, epoch: int = 0) -> Rows:
        """The tokens of the longest text of each row, with its end: what bounds the length of a translation."""
        found: Rows = np.max([self.columns[name].lengths(epoch) for name in sorted(self.texts)], axis=0)
        return found

    def draw(self, epoch: int) -> Rows:
        """The rows to visit in an epoch."""
        return np.arange(len(self)) if self.tours is None else self.tours.draw(epoch)

    def batch(self, plan: Plan) -> Batch:
        """The batch of a plan; what is withheld depends on seed, epoch and row alone."""
        parts: dict[str, Part] = {}
        for number, (name, column) in enumerate(self.columns.items()):
            part = column.collate(plan.rows, epoch=plan.epoch)
            hidden = self._hidden(number, name, plan.epoch)[plan.rows]
            parts[name] = part.without(torch.from_numpy(hidden)) if hidden.any() else part
        target = ended([self.target.ids(int(row), plan.epoch) for row in plan.rows])
        heard = shifted(target, torch.from_numpy(self.tags[plan.rows]))
        return Batch(Sources(parts), heard, target, plan.epoch, plan.rows, Edges.none())

    def _hidden(self, number: int, name: str, epoch: int) -> NDArray[np.bool_]:
        share = self.withheld.get(name, 0.0)
        if not share:
            return np.zeros(len(self), dtype=np.bool_)
        drawn: NDArray[np.bool_] = np.random.default_rng([self.seed, epoch, number]).random(len(self)) < share
        return drawn


class SeveralBatches:
    """Batches of at most `tokens` padded positions of all texts and of the target, epoch after epoch, without end.

    Pictures are not counted, so that a model with them and one without are trained on the same batches.
    """

    def __init__(self, rows: SeveralRows, *, tokens: int, seed: int) -> None:
        if tokens < 1:
            raise ConfigError(f"tokens must be at least 1, got {tokens}; a batch of 2,000 to 25,000 tokens is usual")
        self._rows, self._tokens, self._seed = rows, tokens, seed
        self._stream = Stream(self.plan, {"tokens": tokens, "seed": seed, "rows": len(rows)})

    def group(self, count: int) -> list[Plan]:
        """The next `count` batches, not built."""
        return self._stream.take(count)

    def build(self, plan: Plan) -> Batch:
        """The batch of a plan."""
        return self._rows.batch(plan)

    def plan(self, epoch: int) -> list[Plan]:
        """All batches of an epoch, in their order: a pure function of rows, budget, seed and epoch."""
        rows = self._rows.draw(epoch)
        sources, targets = self._rows.source_lengths(epoch)[rows], self._rows.target_lengths(epoch)[rows]
        return planned(rows, sources, targets, tokens=self._tokens, seed=self._seed, epoch=epoch)

    def state_dict(self) -> dict[str, int]:
        return self._stream.state_dict()

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        self._stream.load_state_dict(state)
