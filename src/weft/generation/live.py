"""The sources still in the batch, read one token at a time."""

from __future__ import annotations

from typing import Any

import torch

from weft.base.shapes import Bool, Float, Int, Tensor
from weft.generation.protocol import Seq2Seq
from weft.generation.task import Task

_WORTH_DROPPING = 0.25
"""Dropping copies the cache of those that stay, so it waits until this share of the batch is done."""


class Live:
    """A model, its cache, and the sources that it still reads."""

    def __init__(self, model: Seq2Seq, memory: Any, task: Task, *, width: int, record: Any) -> None:
        """All sources of the task, with room for the longest hypothesis and for the step that reads its last token."""
        self._model = model
        self._record = record
        self._cache = model.init_cache(memory, beam=width, capacity=int(task.limits.max()) + self.recording)
        self.rows = torch.arange(len(task.start))
        self.read: list[Tensor] = []

    @property
    def recording(self) -> bool:
        return self._record is not None

    def step(self, tokens: Int[Tensor, "m n"]) -> Float[Tensor, "m n w"]:
        """The logits after reading one more token of each hypothesis; `read` notes which sources were in the batch."""
        self.read.append(self.rows)
        logits, self._cache = self._model.step(tokens, self._cache, self._record)
        return logits

    def reorder(self, parents: Int[Tensor, "m n"]) -> None:
        """Hypothesis i of each source goes on from what was hypothesis `parents[:, i]`."""
        self._cache = self._cache.reorder(parents)

    def drop(self, done: Bool[Tensor, " m"]) -> Int[Tensor, " k"] | None:
        """Drop the done sources if that pays: the places of those that stay, or None if all stayed for now."""
        leaving = int(done.sum())
        if leaving < max(1, _WORTH_DROPPING * len(done)):
            return None
        kept = (~done).nonzero().squeeze(1)
        self._cache = self._cache.select(kept)
        self.rows = self.rows[kept.to(self.rows.device)]
        return kept
