"""How probable given targets are: forced decoding, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from weft.base.errors import DataError
from weft.base.padded import pad
from weft.base.shapes import Float, Int, Tensor
from weft.generation import chain
from weft.generation.chain import Choice
from weft.generation.hypothesis import Result
from weft.generation.live import Live
from weft.generation.logits import log_probabilities
from weft.generation.protocol import Seq2Seq
from weft.generation.settings import SearchSettings
from weft.generation.task import checked


class Given:
    """Chooses the tokens of given targets, whatever the model would rather write."""

    def __init__(self, targets: Int[Tensor, "b t"]) -> None:
        self._targets = targets

    def choose(self, logits: Float[Tensor, "m 1 w"], step: int) -> Choice:
        tokens = self._targets[:, step, None]
        return Choice(tokens, log_probabilities(logits).gather(-1, tokens[..., None]).squeeze(-1))

    def select(self, kept: Int[Tensor, " m"]) -> None:
        self._targets = self._targets[kept]


@torch.no_grad()
def score(
    model: Seq2Seq,
    memory: Any,
    *,
    start: Int[Tensor, " b"],
    targets: Sequence[Sequence[int]],
    eos: int,
    length_penalty: float = 1.0,
    record: Any = None,
) -> Result:
    """One hypothesis a source: its target, with the model's log-probability of each token, and the score of the whole.

    A target ends with `</s>` where the end is to count, and holds none before. Raises `DataError` for an empty target
    and what `search` raises for a forced prefix. With a `record`, slots and rows are those of a search.
    """
    for index, target in enumerate(targets):
        if not len(target):
            raise DataError(f"a target must have at least one token, got none for source {index}; end it with </s>")
    task = checked(
        start=start,
        source_lengths=torch.zeros_like(start),
        eos=eos,
        settings=SearchSettings(beam=1, length_penalty=length_penalty),
        prefix=targets,
        vocabulary_size=model.vocabulary_size,
    )
    if not len(start):
        return Result((), ())
    limits = torch.tensor([len(target) for target in targets], device=start.device)
    task = replace(task, limits=limits)
    given = Given(pad(targets, padding=eos, device=start.device).values)
    return chain.run(Live(model, memory, task, width=1, record=record), task, given, width=1)
