"""Documents through one model: read in chunks or sentence by sentence, written sentence by sentence or at once."""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, islice, pairwise

from weft.alignment.link import WordAlignment
from weft.data.direction import Direction
from weft.data.tokenizer import Encoding
from weft.generation.settings import SearchSettings
from weft.translating.answering import Answer
from weft.translating.decoding import Decoder, Job
from weft.translating.document import Document
from weft.translating.joint_memory import framed, joined, joint_memory
from weft.translating.segments import Segment, Source, Span
from weft.translating.translation import Translation
from weft.translating.weaving import woven

_LOG = logging.getLogger(__name__)
_AT_ONCE = 64
"""Sentences that are translated together, where they do not wait for each other."""


@dataclass(frozen=True)
class Wanted:
    """What is wanted of a document's translation."""

    languages: tuple[str, str]
    direction: Direction
    search: SearchSettings
    align: bool
    told: Document


def as_read(source: Source, told: Document, decoder: Decoder, direction: Direction, *, room: int | None) -> Source:
    """The document as the segments that are written one by one, with memories of a joint one if it is read so.

    A segment that has its memory already keeps it. Raises ConfigError for chunks that the model has no room for,
    UnsupportedError for a model without memories of single positions.
    """
    if not source.segments:
        return source
    if told.whole and len(source.segments) > 1:
        source = Source(source.text, (_at_once(source, decoder, direction),))
    chunk = told.chunk_of(room)
    if chunk is None or source.segments[0].memory is not None:
        return source
    ids = [token for segment in source.segments for token in segment.tokens.ids]
    whole = joint_memory(decoder, ids, direction, size=chunk[0], overlap=chunk[1])
    ends = [0, *accumulate(len(segment.tokens.ids) for segment in source.segments)]
    memories = [framed(whole, span, direction) for span in pairwise(ends)]
    return Source(
        source.text,
        tuple(replace(one, memory=memory) for one, memory in zip(source.segments, memories, strict=True)),
    )


def translation_of(source: Source, decoder: Decoder, wanted: Wanted) -> Translation:
    """The translation of a document, with spans of all of it."""
    found = list(answers(source, decoder, wanted))
    return woven(source, found, languages=wanted.languages, search=wanted.search, align=wanted.align)


def translated_lines(source: Source, decoder: Decoder, wanted: Wanted, *, first: int = 0) -> Iterator[Translation]:
    """A translation for each line of a document from line number `first` on, as soon as it is there.

    Spans are of the line. What is written at once is one line.
    """
    spans = [(0, len(source.text))] if wanted.told.whole else lines_of(source.text)
    if first >= len(spans):
        return
    found = answers(source, decoder, wanted, first=first_in(source, spans[first][0]))
    for span in spans[first:]:
        line = line_of(source, span)
        own = list(islice(found, len(line.segments)))
        yield woven(line, own, languages=wanted.languages, search=wanted.search, align=wanted.align)


def answers(source: Source, decoder: Decoder, wanted: Wanted, *, first: int = 0) -> Iterator[tuple[Answer, ...]]:
    """The n-best answers for each segment from number `first` on, in order, as soon as they are there."""
    if first >= len(source.segments):
        return
    if wanted.told.context:
        yield from _one_after_another(source, decoder, wanted, first)
        return
    for begin in range(first, len(source.segments), _AT_ONCE):
        found = _decoded(decoder, [Job(segment) for segment in source.segments[begin : begin + _AT_ONCE]], wanted)
        if wanted.told.whole:
            _say_what_was_cut(found[0][0])
        yield from found


def lines_of(text: str) -> list[Span]:
    r"""The spans of a document's lines, which end with `\n` or `\r\n`; nothing behind the last line end is no line."""
    spans, start = [], 0
    for line in text.split("\n"):
        spans.append((start, start + len(line.removesuffix("\r"))))
        start += len(line) + 1
    return spans[:-1] if len(spans) > 1 and spans[-1][0] == spans[-1][1] else spans


def first_in(source: Source, start: int) -> int:
    """The number of the first segment that starts at this place or behind it."""
    return bisect_left(source.segments, start, key=lambda segment: segment.start)


def line_of(source: Source, line: Span) -> Source:
    """A line of a document as a source of its own."""
    inside = source.segments[first_in(source, line[0]) : first_in(source, line[1])]
    return Source(source.text[slice(*line)], tuple(replace(one, start=one.start - line[0]) for one in inside))


def _decoded(decoder: Decoder, jobs: Sequence[Job], wanted: Wanted) -> list[tuple[Answer, ...]]:
    return decoder.decode(jobs, direction=wanted.direction, settings=wanted.search, align=wanted.align)


def _one_after_another(source: Source, decoder: Decoder, wanted: Wanted, first: int) -> Iterator[tuple[Answer, ...]]:
    """Each sentence behind those before it in its line, with their translations as a prefix.

    Where that leaves nothing of the sentence, or too much, it is translated by itself; how often is logged at the end.
    """
    said: list[str] = []
    num_alone = 0
    before = first_in(source, _line_start(source, source.segments[first]))
    for number, segment in enumerate(source.segments[before:], start=before):
        begin = max(first_in(source, _line_start(source, segment)), number - wanted.told.context)
        known = said[len(said) - (number - begin) :]
        found = _behind(source.text, source.segments[begin : number + 1], known, decoder, wanted)
        if found is None:
            num_alone += 1
            [found] = _decoded(decoder, [Job(segment)], wanted)
        said.append(found[0].text)
        if number >= first:
            yield found
    if num_alone:
        _LOG.warning(
            f"{num_alone} of {len(said)} sentences were translated without their context: with it nothing came of them"
        )


def _say_what_was_cut(answer: Answer) -> None:
    """Logs a warning where a document that is written at once did not come to an end."""
    if answer.num_tokens == len(answer.tokens):  # an end counts, but stands for no text
        _LOG.warning(
            f"a document was cut off after {answer.num_tokens} tokens, the most that search or positions allow; "
            "allow more (max_length), or write it sentence by sentence"
        )


def _line_start(source: Source, segment: Segment) -> int:
    return source.text.rfind("\n", 0, segment.start) + 1


def _behind(
    text: str, stretch: Sequence[Segment], known: Sequence[str], decoder: Decoder, wanted: Wanted
) -> tuple[Answer, ...] | None:
    """Answers for the last segment of a stretch, of which the others have been translated; None: nothing came of it."""
    segment = stretch[-1]
    if not known:
        return _decoded(decoder, [Job(segment)], wanted)[0]
    prefix = tuple(decoder.tokenizer.target.encode(" ".join(known)).ids)
    [found] = _decoded(decoder, [Job(_joined(text, stretch, wanted.direction), prefix)], wanted)
    ratio, offset = wanted.search.max_length_ratio, wanted.search.max_length_offset
    longest = None if ratio is None else ratio * len(segment.tokens.ids) + offset
    shift, lead = stretch[0].start - segment.start, wanted.direction.rows.start
    parts = tuple(_behind_prefix(answer, prefix, decoder, shift, lead) for answer in found)
    fits = all(part.text and (longest is None or part.num_tokens <= longest) for part in parts)
    return parts if fits else None


def _at_once(source: Source, decoder: Decoder, direction: Direction) -> Segment:
    """All segments as one, read together unless they have been read before."""
    if source.segments[0].memory is not None:
        return _joined(source.text, source.segments, direction)
    return Segment.of(source.text, (source.segments[0].start, source.segments[-1].end), decoder.tokenizer)


def _joined(text: str, stretch: Sequence[Segment], direction: Direction) -> Segment:
    """Segments that follow each other as one, with the tokens, and the memories, that each has by itself."""
    start, end = stretch[0].start, stretch[-1].end
    ids = [token for one in stretch for token in one.tokens.ids]
    spans = [(one.start - start + x, one.start - start + y) for one in stretch for x, y in one.tokens.spans]
    memories = [one.memory for one in stretch if one.memory is not None]
    return Segment(start, text[start:end], Encoding(ids, spans), joined(memories, direction) if memories else None)


def _behind_prefix(answer: Answer, prefix: Sequence[int], decoder: Decoder, source_shift: int, lead: int) -> Answer:
    """What an answer says behind its prefix, which `lead` tokens stand before; links may point before the segment."""
    said = decoder.tokenizer.target.decode(prefix)
    begin = len(answer.text) - len(answer.text[len(said.strip()) :].lstrip())
    kept = answer.alignment
    inside = WordAlignment(
        tuple(link for link in kept.links if link.target[0] >= begin),
        tuple(one for one in kept.unaligned if one.target[0] >= begin),
    )
    log_probabilities = answer.token_log_probabilities[lead + len(prefix) :]
    return Answer(
        answer.text[begin:],
        sum(log_probabilities),
        len(log_probabilities),
        inside.moved(source_shift, -begin),
        log_probabilities,
        tuple(word.moved(-begin) for word in answer.words if word.target[0] >= begin),
        answer.tokens[lead + len(prefix) :],
    )
