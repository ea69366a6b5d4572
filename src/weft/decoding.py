"""Segments through one model: batched by length, read once, searched, aligned, and back in the order they came."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from weft.alignment.extract import word_alignment
from weft.alignment.gather import gather
from weft.alignment.link import WordAlignment
from weft.alignment.settings import AlignmentSettings
from weft.alignment.words import words
from weft.attention.record import Record
from weft.base.errors import UnsupportedError
from weft.base.padded import pad
from weft.data.tokenizer import EOS, Tokenizer
from weft.generation.batching import batches_by_length, in_given_order
from weft.generation.hypothesis import Hypothesis, Result
from weft.generation.search import search
from weft.generation.settings import SearchSettings
from weft.memory_cache import MemoryCache
from weft.segments import Segment


@dataclass(frozen=True)
class Job:
    """A segment to translate, the tokens its translation must begin with, and its memory if it was read before."""

    segment: Segment
    prefix: tuple[int, ...] = ()
    memory: Any = None


@dataclass(frozen=True)
class Answer:
    """One hypothesis for a segment, as text; spans of the alignment are inside segment and text."""

    text: str
    log_probability: float
    num_tokens: int
    alignment: WordAlignment
    token_log_probabilities: tuple[float, ...]


class Decoder:
    """Decodes segments with one model; keeps the memories of the sources read last."""

    def __init__(
        self,
        model: nn.Module,
        tokenizer: Tokenizer,
        *,
        alignment: AlignmentSettings | None = None,
        cache_size: int = 256,
        batch_tokens: int = 4096,
    ) -> None:
        """`alignment` says where the model's alignment is read; without it nothing can be aligned."""
        self.model: Any = model
        self.tokenizer, self.alignment = tokenizer, alignment
        self.device = next(model.parameters()).device
        self.cache, self.batch_tokens = MemoryCache(cache_size), batch_tokens

    def decode(
        self, jobs: Sequence[Job], *, tag: int, settings: SearchSettings, align: bool
    ) -> list[tuple[Answer, ...]]:
        """The n-best answers of each job, in the order of the jobs."""
        if align and self.alignment is None:
            raise UnsupportedError("this model has no cross-attention to align by; translate without align")
        where = self.alignment if align else None
        batches = batches_by_length([len(job.segment.tokens.ids) + 1 for job in jobs], max_tokens=self.batch_tokens)
        found = [self._decode_batch([jobs[row] for row in rows], tag, settings, where) for rows in batches]
        return in_given_order(batches, found)

    def memories(self, sources: Sequence[Sequence[int]]) -> list[Any]:
        """The memory of each source (ids without `</s>`), as one row without padding."""
        batches = batches_by_length([len(source) + 1 for source in sources], max_tokens=self.batch_tokens)
        found = [self.memory([sources[row] for row in rows]).parts() for rows in batches]
        return in_given_order(batches, found)

    @torch.inference_mode()
    def memory(self, sources: Sequence[Sequence[int]], known: Sequence[Any] = ()) -> Any:
        """One memory of all sources; the encoder reads only those that are neither `known` nor in the cache."""
        held = [self.cache.get(source) if given is None else given for source, given in _with(sources, known)]
        missing = [row for row, memory in enumerate(held) if memory is None]
        if not missing:
            return type(held[0]).joined(held)
        fresh = self.model.encode(pad([[*sources[row], EOS] for row in missing], device=self.device))
        if len(sources) <= self.cache.capacity:
            for row, memory in zip(missing, fresh.parts(), strict=True):
                held[row] = memory
                self.cache.put(sources[row], memory)
        return fresh if len(missing) == len(sources) else type(fresh).joined(held)

    def _decode_batch(
        self, jobs: Sequence[Job], tag: int, settings: SearchSettings, where: AlignmentSettings | None
    ) -> list[tuple[Answer, ...]]:
        sources = [job.segment.tokens.ids for job in jobs]
        record = None if where is None else Record([where.site])
        with torch.inference_mode():
            result = search(
                self.model,
                self.memory(sources, [job.memory for job in jobs]),
                start=torch.full((len(jobs),), tag, device=self.device),
                source_lengths=torch.tensor([len(source) + 1 for source in sources], device=self.device),
                eos=EOS,
                settings=settings,
                prefix=[job.prefix for job in jobs] if any(job.prefix for job in jobs) else None,
                record=record,
            )
            flat = [(row, hypothesis) for row, ranked in enumerate(result.hypotheses) for hypothesis in ranked]
            weights = None if where is None else _weights(record, where, result, flat)
        answers = iter(
            [
                self._answer(jobs[row].segment, hypothesis, where, None if weights is None else weights[place])
                for place, (row, hypothesis) in enumerate(flat)
            ]
        )
        return [tuple(next(answers) for _ in ranked) for ranked in result.hypotheses]

    def _answer(
        self, segment: Segment, hypothesis: Hypothesis, where: AlignmentSettings | None, weights: Any
    ) -> Answer:
        text, spans = self.tokenizer.token_spans(hypothesis.tokens)
        alignment = WordAlignment()
        if where is not None:
            alignment = word_alignment(
                weights,
                source_tokens=segment.tokens.spans,
                target_tokens=spans,
                source_words=words(segment.text),
                target_words=words(text),
                settings=where,
            )
        return Answer(
            text,
            hypothesis.log_probability,
            len(hypothesis.tokens),
            alignment,
            hypothesis.token_log_probabilities,
        )


def _with(sources: Sequence[Sequence[int]], known: Sequence[Any]) -> Iterator[tuple[Sequence[int], Any]]:
    return zip(sources, known or [None] * len(sources), strict=True)


def _weights(record: Any, where: AlignmentSettings, result: Result, flat: Sequence[tuple[int, Hypothesis]]) -> Any:
    """The weights `[m r t s]` that each hypothesis of a search read at the alignment site."""
    asked = gather(
        record.at(where.site),
        result.rows,
        sources=[row for row, _ in flat],
        slots=[hypothesis.slots or () for _, hypothesis in flat],
    )
    return asked.weights(where.heads)


@torch.inference_mode()
def forced_scores(
    model: nn.Module, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]], *, tag: int
) -> list[float]:
    """The log-probability of each target with `</s>`, all positions of a batch in one pass."""
    device = next(model.parameters()).device
    lengths = [len(source) + len(target) for source, target in zip(sources, targets, strict=True)]
    batches = batches_by_length(lengths, max_tokens=4096)
    return in_given_order(batches, [_forced(model, sources, targets, rows, tag, device) for rows in batches])


def _forced(
    model: nn.Module,
    sources: Sequence[Sequence[int]],
    targets: Sequence[Sequence[int]],
    rows: Sequence[int],
    tag: int,
    device: torch.device,
) -> list[float]:
    source = pad([[*sources[row], EOS] for row in rows], device=device)
    inputs = pad([[tag, *targets[row]] for row in rows], device=device)
    outputs = pad([[*targets[row], EOS] for row in rows], device=device)
    log_probability = model(source, inputs.values).float().log_softmax(-1)
    chosen = log_probability.gather(-1, outputs.values[..., None]).squeeze(-1)
    return [float(total) for total in chosen.masked_fill(~outputs.keep, 0.0).sum(1)]
