"""Segments through one model: batched by length, read once, searched, aligned, and back in the order they came."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

import torch
from torch import nn

from weft.alignment.extract import word_alignment
from weft.alignment.gather import gather
from weft.alignment.link import WordAlignment
from weft.alignment.settings import AlignmentSettings
from weft.alignment.words import words
from weft.attention.record import Record
from weft.base.errors import DataError, UnsupportedError
from weft.base.padded import pad
from weft.data.tokenizer import EOS, Tokenizer
from weft.generation.batching import batches_by_length, in_given_order
from weft.generation.hypothesis import Hypothesis, Result
from weft.generation.logits import log_probabilities
from weft.generation.search import search
from weft.generation.settings import SearchSettings
from weft.generation.stream import search_steps
from weft.memory_cache import Memory, MemoryCache
from weft.segments import Segment

MOST_ROWS = 256
"""Segments of a batch, however short: each costs a row of the vocabulary's size for every hypothesis."""


@dataclass(frozen=True)
class Job:
    """A segment to translate, the tokens its translation must begin with, and its memory if it was read before."""

    segment: Segment
    prefix: tuple[int, ...] = ()
    memory: Memory | None = None


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
        parameter = next(model.parameters())
        self.device, self.dtype = parameter.device, parameter.dtype
        self.cache, self.batch_tokens = MemoryCache(cache_size), batch_tokens

    def decode(
        self, jobs: Sequence[Job], *, tag: int, settings: SearchSettings, align: bool
    ) -> list[tuple[Answer, ...]]:
        """The n-best answers of each job, in the order of the jobs; equal jobs are searched once (unless by lot).

        Raises UnsupportedError for a model that cannot align, DataError if the model computes no number.
        """
        if align and self.alignment is None:
            raise UnsupportedError("this model has no cross-attention to align by; translate without align")
        where = self.alignment if align else None
        by_lot = settings.sampling is not None
        keys = [(job.segment.text, job.prefix, place if by_lot else 0) for place, job in enumerate(jobs)]
        distinct = dict(zip(keys, jobs, strict=True))
        once = list(distinct.values())
        batches = self._batches([len(job.segment.tokens.ids) + 1 for job in once])
        found = [self._decode_batch([once[row] for row in rows], tag, settings, where) for rows in batches]
        answers = dict(zip(distinct, in_given_order(batches, found), strict=True))
        return [answers[key] for key in keys]

    @torch.inference_mode()
    def stream(self, ids: Sequence[int], *, tag: int, settings: SearchSettings) -> Iterator[str]:
        """Pieces of the best answer for a source (ids without `</s>`), each as soon as it is certain."""
        shown = ""
        for progress in search_steps(
            self.model,
            self.memory([ids]),
            start=torch.tensor([tag], device=self.device),
            source_lengths=torch.tensor([len(ids) + 1], device=self.device),
            eos=EOS,
            settings=settings,
        ):
            text = self.tokenizer.decode(progress.stable[0])
            if progress.result is None:  # the bytes of a character may still be under way
                text = text.rstrip("\N{REPLACEMENT CHARACTER}")
            text = one_line(text)
            if len(text) > len(shown):
                yield text[len(shown) :]
                shown = text

    def memories(self, sources: Sequence[Sequence[int]]) -> list[Memory]:
        """The memory of each source (ids without `</s>`), as one row without padding."""
        batches = self._batches([len(source) + 1 for source in sources])
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
        fresh: Memory = self.model.encode(pad([[*sources[row], EOS] for row in missing], device=self.device))
        if self.cache.capacity or len(missing) < len(sources):
            for row, memory in zip(missing, fresh.parts(), strict=True):
                held[row] = memory
                self.cache.put(sources[row], memory)
        return fresh if len(missing) == len(sources) else _joined(held)

    def _batches(self, lengths: Sequence[int]) -> list[list[int]]:
        return batches_by_length(lengths, max_tokens=self.batch_tokens, max_rows=MOST_ROWS)

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
            if not all(ranked and not isnan(ranked[0].score) for ranked in result.hypotheses):
                raise DataError(
                    "wanted probabilities from the model, got NaN: its weights or its number type are no good; "
                    "train or fetch it again, or load it in float32"
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
        written, lead = one_line(text), len(text) - len(text.lstrip())
        alignment = WordAlignment()
        if where is not None:
            alignment = word_alignment(
                weights,
                source_tokens=segment.tokens.spans,
                target_tokens=[(max(start - lead, 0), max(end - lead, 0)) for start, end in spans],
                source_words=words(segment.text),
                target_words=words(written),
                settings=where,
            )
        return Answer(
            written,
            hypothesis.log_probability,
            len(hypothesis.tokens),
            alignment,
            hypothesis.token_log_probabilities,
        )


def _joined(held: Sequence[Memory | None]) -> Memory:
    """One memory of all that are held."""
    memories = [memory for memory in held if memory is not None]
    return memories[0].joined(memories)


def one_line(text: str) -> str:
    """What a model wrote, as part of a line: no line end inside, no white space at its ends."""
    return text.replace("\n", " ").replace("\r", " ").strip()


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
    batches = batches_by_length(lengths, max_tokens=4096, max_rows=MOST_ROWS)
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
    chosen = log_probabilities(model(source, inputs.values)).gather(-1, outputs.values[..., None]).squeeze(-1)
    return [float(total) for total in chosen.masked_fill(~outputs.keep, 0.0).sum(1)]
