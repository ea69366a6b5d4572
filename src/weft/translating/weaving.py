"""The translations of a text's segments, put together as translations of the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from weft.alignment.confidence import Word
from weft.alignment.link import Link, Span, Unaligned, WordAlignment
from weft.alignment.words import words
from weft.generation.hypothesis import length_normalised
from weft.generation.settings import SearchSettings
from weft.translating.answering import Answer
from weft.translating.segments import Source
from weft.translating.translation import Hypothesis, Translation


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
        words=best.words,
        source=source.text,
        from_=languages[0],
        to=languages[1],
        hypotheses=tuple(ranked),
        nbest=search.nbest,
        source_words=_source_words(source) if align else (),
    )


@dataclass(frozen=True)
class Aligned:
    """The links of a stretch of text, and its words with their confidence."""

    alignment: WordAlignment
    words: tuple[Word, ...]

    def moved(self, source: int, target: int) -> Aligned:
        """The same where the two texts stand this many code points further on."""
        return Aligned(self.alignment.moved(source, target), tuple(word.moved(target) for word in self.words))


def stayed(text: str) -> Aligned:
    """The links of text that is not translated but kept: each word comes from itself, for sure."""
    found = words(text)
    itself = WordAlignment(tuple(Link(x, x, 1.0) for x in found), tuple(Unaligned(x, 0.0) for x in found))
    return Aligned(itself, tuple(Word(x, 1.0) for x in found))


def _hypothesis(source: Source, answers: Sequence[Answer], search: SearchSettings, align: bool) -> Hypothesis:
    log_probability = sum((answer.log_probability for answer in answers), 0.0)
    length = max(1, sum(answer.num_tokens for answer in answers))
    plain = Hypothesis(
        text=source.woven([answer.text for answer in answers]),
        score=length_normalised(log_probability, length, search.length_penalty),
        log_probability=log_probability,
    )
    if not align:
        return plain
    parts = _aligned(source, answers)
    return replace(
        plain,
        alignment=tuple(link for part in parts for link in part.alignment.links),
        unaligned=tuple(one for part in parts for one in part.alignment.unaligned),
        words=tuple(word for part in parts for word in part.words),
    )


def _aligned(source: Source, answers: Sequence[Answer]) -> list[Aligned]:
    """The links of all segments and of what stands between them, in order."""
    parts, shift = [], 0
    for place, (start, end) in enumerate(source.gaps):
        parts.append(stayed(source.text[start:end]).moved(start, start + shift))
        if place < len(answers):
            answer = answers[place]
            parts.append(Aligned(answer.alignment, answer.words).moved(end, end + shift))
            shift += len(answer.text) - len(source.segments[place].text)
    return parts


def _source_words(source: Source) -> tuple[Span, ...]:
    """The words of each segment on its own, and of what stands between segments, in order."""
    parts = [(start, words(source.text[start:end])) for start, end in source.gaps]
    parts += [(segment.start, list(segment.side.words)) for segment in source.segments]
    return tuple(sorted((start + x, start + y) for start, found in parts for x, y in found))
