"""The way in: searches a model for the best target sequences of a batch of sources."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from weft.base.shapes import Int, Tensor
from weft.generation import chain
from weft.generation.beam import Beam
from weft.generation.greedy import Greedy
from weft.generation.hypothesis import Result
from weft.generation.live import Live
from weft.generation.protocol import Seq2Seq
from weft.generation.sampling import Sampler
from weft.generation.settings import DEFAULT, SearchSettings
from weft.generation.task import checked


@torch.no_grad()
def search(
    model: Seq2Seq,
    memory: Any,
    *,
    start: Int[Tensor, " b"],
    source_lengths: Int[Tensor, " b"],
    eos: int,
    settings: SearchSettings = DEFAULT,
    prefix: Sequence[Sequence[int]] | None = None,
    record: Any = None,
    generator: torch.Generator | None = None,
) -> Result:
    """The best hypotheses of each source of `memory` (what `model.encode` returned), in the order of the sources.

    `start` is the decoder's first token (it is not part of a hypothesis), `source_lengths` bound the target lengths
    (`SearchSettings.max_length_ratio`), `prefix` holds for each source the tokens that every hypothesis must start
    with, perhaps none. Every step hands `record` to the model. `generator` draws the lots of sampling.

    Greedy where `beam` is 1, else beam search; sampling where `settings.sampling` says so. No source's result depends
    on which others are in the batch (but the draws of sampling do). Raises `ShapeError` and `ConfigError` first.
    """
    task = checked(
        start=start,
        source_lengths=source_lengths,
        eos=eos,
        settings=settings,
        prefix=prefix,
        vocabulary_size=model.vocabulary_size,
    )
    if not len(start):
        return Result((), ())
    if settings.sampling is not None:
        sampler = Sampler(task.constraints(settings.nbest), settings.sampling, generator)
        live = Live(model, memory, task, width=settings.nbest, record=record)
        return chain.run(live, task, sampler, width=settings.nbest)
    live = Live(model, memory, task, width=settings.beam, record=record)
    if settings.beam == 1:
        return chain.run(live, task, Greedy(task.constraints(1)), width=1)
    beam = Beam(live, task)
    while not beam.finished:
        beam.advance()
    return beam.result()
