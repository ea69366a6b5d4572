"""Segments through one model: batched by length, read once, searched, aligned, and back in the order they came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from weft.alignment.settings import AlignmentSettings
from weft.base.errors import UnsupportedError
from weft.base.padded import pad
from weft.data.direction import Direction
from weft.data.text_tokenizer import TextTokenizer
from weft.generation.batching import batches_by_length, in_given_order
from weft.generation.search import search
from weft.generation.settings import SearchSettings
from weft.translating.answering import Answer, Looking, answers, check_computed
from weft.translating.memory_cache import Memory, MemoryCache
from weft.translating.segments import Segment

MOST_ROWS = 256
"""Segments of a batch, however short: each costs a row of the vocabulary's size for every hypothesis."""


@dataclass(frozen=True)
class Job:
    """A segment to translate, the tokens its translation must begin with, and its memory if it was read before."""

    segment: Segment
    prefix: tuple[int, ...] = ()
    memory: Memory | None = None


class Decoder:
    """Decodes segments with one model; keeps the memories of the sources read last."""

    def __init__(
        self,
        model: nn.Module,
        tokenizer: TextTokenizer,
        *,
        alignment: AlignmentSettings | None = None,
        cache_size: int = 256,
        batch_tokens: int = 4096,
    ) -> None:
        """`alignment` says where the model's alignment is read; without it nothing can be aligned."""
        self.model: Any = model
        self.tokenizer, self.alignment = tokenizer, alignment
        parameter = next(model.parameters())
        self.device, self.dtype = parameter.device, parameter.dtype
        self.cache, self.batch_tokens = MemoryCache(cache_size), batch_tokens

    def decode(
        self, jobs: Sequence[Job], *, direction: Direction, settings: SearchSettings, align: bool
    ) -> list[tuple[Answer, ...]]:
        """The n-best answers of each job, in the order of the jobs; equal jobs are searched once (unless by lot).

        Raises UnsupportedError for a model that cannot align, DataError if the model computes no number.
        """
        self.looking(align)  # raises before any work
        by_lot = settings.sampling is not None
        keys = [(job.segment.text, job.prefix, place if by_lot else 0) for place, job in enumerate(jobs)]
        distinct = dict(zip(keys, jobs, strict=True))
        once = list(distinct.values())
        if direction.first is not None:
            settings = replace(settings, forced_first=direction.first)
        batches = self._batches([len(direction.source(job.segment.tokens.ids)) for job in once])
        found = [self._decode_batch([once[row] for row in rows], direction, settings, align) for rows in batches]
        answered = dict(zip(distinct, in_given_order(batches, found), strict=True))
        return [answered[key] for key in keys]

    def looking(self, align: bool) -> Looking | None:
        """Where the alignment of a search is read, if it is; UnsupportedError for a model that cannot align."""
        if not align:
            return None
        if self.alignment is None:
            raise UnsupportedError("this model has no cross-attention to align by; translate without align")
        return Looking.by(self.alignment)

    def memories(self, sources: Sequence[Sequence[int]]) -> list[Memory]:
        """The memory of each source (ids as the encoder reads them), as one row without padding."""
        batches = self._batches([len(source) for source in sources])
        found = [self.memory([sources[row] for row in rows]).parts() for rows in batches]
        return in_given_order(batches, found)

    @torch.inference_mode()
    def memory(self, sources: Sequence[Sequence[int]], known: Sequence[Memory | None] = ()) -> Memory:
        """One memory of all sources; the encoder reads only those that are neither `known` nor in the cache."""
        given = [memory and memory.to(self.device, self.dtype) for memory in known] or [None] * len(sources)
        held = [mine or self.cache.get(source) for mine, source in zip(given, sources, strict=True)]
        missing = [row for row, memory in enumerate(held) if memory is None]
        if not missing:
            return _joined(held)
        fresh: Memory = self.model.encode(pad([sources[row] for row in missing], device=self.device))
        if self.cache.capacity or len(missing) < len(sources):
            for row, memory in zip(missing, fresh.parts(), strict=True):
                held[row] = memory
                self.cache.put(sources[row], memory)
        return fresh if len(missing) == len(sources) else _joined(held)

    def _batches(self, lengths: Sequence[int]) -> list[list[int]]:
        return batches_by_length(lengths, max_tokens=self.batch_tokens, max_rows=MOST_ROWS)

    def _decode_batch(
        self, jobs: Sequence[Job], direction: Direction, settings: SearchSettings, align: bool
    ) -> list[tuple[Answer, ...]]:
        sources = [direction.source(job.segment.tokens.ids) for job in jobs]
        looking = self.looking(align)
        with torch.inference_mode():
            result = search(
                self.model,
                self.memory(sources, [job.memory for job in jobs]),
                start=torch.full((len(jobs),), direction.start, device=self.device),
                source_lengths=torch.tensor([len(source) for source in sources], device=self.device),
                eos=direction.eos,
                settings=settings,
                prefix=[job.prefix for job in jobs] if any(job.prefix for job in jobs) else None,
                record=None if looking is None else looking.record,
            )
        check_computed(result)
        return answers(result, [job.segment for job in jobs], self.tokenizer, looking, direction=direction)


def _joined(held: Sequence[Memory | None]) -> Memory:
    """One memory of all that are held."""
    memories = [memory for memory in held if memory is not None]
    return memories[0].joined(memories)
