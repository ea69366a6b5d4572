"""The translations of a text's segments, put together as translations of the text."""

from __future__ import annotations

from collections.abc import Sequence

from weft.alignment.link import WordAlignment
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
        source_words=tuple(
            (start + segment.start, end + segment.start)
            for segment in source.segments
            for start, end in (words(segment.text) if align else ())
        ),
    )


def _hypothesis(source: Source, answers: Sequence[Answer], search: SearchSettings, align: bool) -> Hypothesis:
    text, starts = source.woven([answer.text for answer in answers])
    log_probability = sum((answer.log_probability for answer in answers), 0.0)
    length = max(1, sum(answer.num_tokens for answer in answers))
    found = WordAlignment()
    if align:
        found = _joined(
            [
                answer.alignment.moved(segment.start, start)
                for answer, segment, start in zip(answers, source.segments, starts, strict=True)
            ]
        )
    return Hypothesis(
        text=text,
        score=length_normalised(log_probability, length, search.length_penalty),
        log_probability=log_probability,
        alignment=found.links if align else None,
        unaligned=found.unaligned if align else None,
    )


def _joined(alignments: Sequence[WordAlignment]) -> WordAlignment:
    return WordAlignment(
        tuple(link for alignment in alignments for link in alignment.links),
        tuple(one for alignment in alignments for one in alignment.unaligned),
    )
