"""Inputs through one model: batched by length, read once, searched, aligned, and back in the order they came."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from torch import nn

from weft.alignment.settings import AlignmentSettings
from weft.alignment.side import Side
from weft.base.errors import UnsupportedError
from weft.base.padded import pad
from weft.data.direction import Direction
from weft.data.text_tokenizer import TextTokenizer
from weft.generation.batching import batches_by_length, in_given_order
from weft.generation.hypothesis import Result
from weft.generation.search import search
from weft.generation.settings import SearchSettings
from weft.translating.answering import Answer, Looking, answers, check_computed
from weft.translating.memory_cache import Memory, MemoryCache
from weft.translating.segments import Segment

MOST_ROWS = 256
"""Inputs of a batch, however short: each costs a row of the vocabulary's size for every hypothesis."""


class Input(Protocol):
    """What is translated as one: a segment of a text, or an input of several sources."""

    @property
    def content(self) -> Hashable:
        """What tells it from inputs that are translated otherwise."""
        ...

    @property
    def reads(self) -> str:
        """The source, by its name in records, that its links lead to."""
        ...

    @property
    def side(self) -> Side:
        """The text of that source."""
        ...

    def length(self, direction: Direction) -> int:
        """The ids of its longest text, as encoders read it."""
        ...


class Encoding(Protocol):
    """Who makes memories of inputs."""

    def memory(self, inputs: Sequence[Any], direction: Direction) -> Any:
        """One memory of all inputs; only those are encoded that nobody has encoded before."""
        ...


@dataclass(frozen=True)
class Job:
    """An input to translate, and the tokens its translation must begin with."""

    input: Input
    prefix: tuple[int, ...] = ()


class OneText:
    """Encodes segments of texts, for models of one source."""

    def __init__(self, model: nn.Module, cache: MemoryCache) -> None:
        self.model: Any = model
        self.cache = cache
        parameter = next(model.parameters())
        self.device, self.dtype = parameter.device, parameter.dtype

    def memory(self, inputs: Sequence[Segment], direction: Direction) -> Memory:
        sources = [direction.source(segment.tokens.ids) for segment in inputs]
        known = [each.memory and each.memory.to(self.device, self.dtype) for each in inputs]

        def encode(missing: list[int]) -> Memory:
            found: Memory = self.model.encode(pad([sources[row] for row in missing], device=self.device))
            return found

        found: Memory = self.cache.filled(sources, known, encode)
        return found


class Decoder:
    """Decodes inputs with one model; keeps the memories of the sources read last."""

    def __init__(
        self,
        model: nn.Module,
        tokenizer: TextTokenizer,
        *,
        alignment: AlignmentSettings | None = None,
        cache_size: int = 256,
        batch_tokens: int = 4096,
        encoding: Encoding | None = None,
    ) -> None:
        """`alignment` says where the model's alignment is read; without it nothing can be aligned.

        `encoding` makes memories of inputs; None: of segments, by the model's one encoder, `cache_size` of them kept.
        """
        self.model: Any = model
        self.tokenizer, self.alignment, self.batch_tokens = tokenizer, alignment, batch_tokens
        self.device = next(model.parameters()).device
        self.encoding: Encoding = encoding or OneText(model, MemoryCache(cache_size))

    def decode(
        self, jobs: Sequence[Job], *, direction: Direction, settings: SearchSettings, align: bool
    ) -> list[tuple[Answer, ...]]:
        """The n-best answers of each job, in the order of the jobs; equal jobs are searched once (unless by lot).

        Raises UnsupportedError for a model that cannot align, DataError if the model computes no number.
        """
        self.looking(align)  # raises before any work
        by_lot = settings.sampling is not None
        keys = [(job.input.content, job.prefix, place if by_lot else 0) for place, job in enumerate(jobs)]
        distinct = dict(zip(keys, jobs, strict=True))
        once = list(distinct.values())
        if direction.first is not None:
            settings = replace(settings, forced_first=direction.first)
        batches = self._batches([job.input for job in once], direction)
        found = [self._decode_batch([once[row] for row in rows], direction, settings, align) for rows in batches]
        answered = dict(zip(distinct, in_given_order(batches, found), strict=True))
        return [answered[key] for key in keys]

    def looking(self, align: bool, inputs: Sequence[Input] = ()) -> Looking | None:
        """Where the alignment of a search is read, if it is; UnsupportedError for a model that cannot align."""
        if not align:
            return None
        if self.alignment is None:
            raise UnsupportedError("this model has no cross-attention to align by; translate without align")
        return Looking.by(self.alignment, [each.reads for each in inputs])

    def memories(self, inputs: Sequence[Input], direction: Direction) -> list[Memory]:
        """The memory of each input, as one row without padding."""
        batches = self._batches(inputs, direction)
        found = [self.memory([inputs[row] for row in rows], direction).parts() for rows in batches]
        return in_given_order(batches, found)

    @torch.inference_mode()
    def memory(self, inputs: Sequence[Input], direction: Direction) -> Any:
        """One memory of all inputs; only those are encoded that were not encoded before."""
        return self.encoding.memory(inputs, direction)

    def _batches(self, inputs: Sequence[Input], direction: Direction) -> list[list[int]]:
        lengths = [each.length(direction) for each in inputs]
        return batches_by_length(lengths, max_tokens=self.batch_tokens, max_rows=MOST_ROWS)

    def _decode_batch(
        self, jobs: Sequence[Job], direction: Direction, settings: SearchSettings, align: bool
    ) -> list[tuple[Answer, ...]]:
        inputs = [job.input for job in jobs]
        looking = self.looking(align, inputs)
        result = self._searched(jobs, inputs, direction, settings, looking)
        check_computed(result)
        return answers(result, inputs, self.tokenizer, looking, direction=direction)

    @torch.inference_mode()
    def _searched(
        self,
        jobs: Sequence[Job],
        inputs: Sequence[Input],
        direction: Direction,
        settings: SearchSettings,
        looking: Looking | None,
    ) -> Result:
        return search(
            self.model,
            self.memory(inputs, direction),
            start=torch.full((len(inputs),), direction.start, device=self.device),
            source_lengths=torch.tensor([each.length(direction) for each in inputs], device=self.device),
            eos=direction.eos,
            settings=settings,
            prefix=[job.prefix for job in jobs] if any(job.prefix for job in jobs) else None,
            record=None if looking is None else looking.record,
        )
