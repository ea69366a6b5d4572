"""The translations of a text's segments, put together as translations of the text."""

from __future__ import annotations

from collections.abc import Sequence

from weft.alignment.link import Link, Span, Unaligned, WordAlignment
from weft.alignment.words import words
from weft.decoding import Answer
from weft.generation.hypothesis import length_normalised
from weft.generation.settings import SearchSettings
from weft.segments import Source
from weft.translation import Hypothesis, Translation


def woven(
    source: Source,
    answers: Sequence[Sequence[Answer]],
    *,
    languages: tuple[str, str],
    search: SearchSettings,
    align: bool,
) -> Translation:
    """The n-best translations of a text from those of its segments: the best of each, then the second of each, ..."""
    depth = max((len(of_segment) for of_segment in answers), default=1)
    ranked = [_hypothesis(source, [a[min(rank, len(a) - 1)] for a in answers], search, align) for rank in range(depth)]
    best = ranked[0]
    return Translation(
        text=best.text,
        score=best.score,
        log_probability=best.log_probability,
        alignment=best.alignment,
        unaligned=best.unaligned,
        source=source.text,
        from_=languages[0],
        to=languages[1],
        hypotheses=tuple(ranked),
        nbest=search.nbest,
        source_words=_words(source) if align else (),
    )


def _hypothesis(source: Source, answers: Sequence[Answer], search: SearchSettings, align: bool) -> Hypothesis:
    log_probability = sum((answer.log_probability for answer in answers), 0.0)
    length = max(1, sum(answer.num_tokens for answer in answers))
    found = _alignment(source, answers) if align else None
    return Hypothesis(
        text=source.woven([answer.text for answer in answers]),
        score=length_normalised(log_probability, length, search.length_penalty),
        log_probability=log_probability,
        alignment=None if found is None else found.links,
        unaligned=None if found is None else found.unaligned,
    )


def _alignment(source: Source, answers: Sequence[Answer]) -> WordAlignment:
    """The links of all segments, in order; a word that stands in none has stayed what it was, and comes from itself."""
    parts, shift = [], 0
    for place, (start, end) in enumerate(source.gaps):
        stayed = words(source.text[start:end])
        itself = WordAlignment(tuple(Link(x, x, 1.0) for x in stayed), tuple(Unaligned(x, 0.0) for x in stayed))
        parts.append(itself.moved(start, start + shift))
        if place < len(answers):
            parts.append(answers[place].alignment.moved(end, end + shift))
            shift += len(answers[place].text) - len(source.segments[place].text)
    return WordAlignment(
        tuple(link for part in parts for link in part.links), tuple(one for part in parts for one in part.unaligned)
    )


def _words(source: Source) -> tuple[Span, ...]:
    """The words of each segment on its own, and of what stands between segments, in order."""
    stretches = [*source.gaps, *((segment.start, segment.end) for segment in source.segments)]
    found = [(start + x, start + y) for start, end in stretches for x, y in words(source.text[start:end])]
    return tuple(sorted(found))
