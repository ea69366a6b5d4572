"""From what a search found to answers: text on one line, log-probabilities, links and the confidence of each word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from typing import Protocol

import torch

from weft.alignment.confidence import Word, confidences
from weft.alignment.extract import word_alignment
from weft.alignment.gather import gather
from weft.alignment.link import WordAlignment
from weft.alignment.read import read
from weft.alignment.settings import AlignmentSettings
from weft.alignment.side import Array, Side
from weft.alignment.words import words
from weft.attention.record import Record
from weft.base.errors import DataError
from weft.data.direction import Direction
from weft.data.text_tokenizer import TextTokenizer
from weft.generation.hypothesis import Hypothesis, Result


@dataclass(frozen=True)
class Answer:
    """One hypothesis for a segment, as text; spans are inside segment and text."""

    text: str
    log_probability: float
    num_tokens: int
    alignment: WordAlignment
    token_log_probabilities: tuple[float, ...]
    words: tuple[Word, ...] = ()
    """Each word of the text with its confidence; none unless aligned."""
    tokens: tuple[int, ...] = ()
    """Its ids, without `</s>`."""


class Read(Protocol):
    """What an answer is aligned with."""

    @property
    def side(self) -> Side: ...


@dataclass(frozen=True)
class Looking:
    """Where in a model the alignment is read, and the record of a search that it is read from."""

    settings: AlignmentSettings
    record: Record
    sites: tuple[str, ...]
    """For each input of the search, where the source that its links lead to is read."""

    @staticmethod
    def by(settings: AlignmentSettings, reads: Sequence[str]) -> Looking:
        """With a record for a search to come, whose inputs have links to these sources."""
        sites = tuple(map(settings.site_of, reads))
        return Looking(settings, Record(sites), sites)

    def weights(
        self, result: Result, hypotheses: Sequence[tuple[int, Hypothesis]], direction: Direction
    ) -> list[Array]:
        """The weights `[t s]` that each of these hypotheses of a search, with the row of its input, has read."""
        found: dict[int, Array] = {}
        for site in dict.fromkeys(self.sites):
            places = [place for place, (row, _) in enumerate(hypotheses) if self.sites[row] == site]
            slots = [hypotheses[place][1].slots or () for place in places]
            rows = [hypotheses[place][0] for place in places]
            asked = gather(self.record.at(site), result.rows, sources=rows, slots=slots)
            weights = read(asked.observation, self.settings, before=len(direction.before))
            found |= dict(zip(places, weights, strict=True))
        return [found[place] for place in range(len(hypotheses))]


def answers(
    result: Result,
    inputs: Sequence[Read],
    tokenizer: TextTokenizer,
    looking: Looking | None,
    *,
    direction: Direction,
) -> list[tuple[Answer, ...]]:
    """All hypotheses for each input, best first; without `looking` they have no links."""
    flat = [(row, hypothesis) for row, ranked in enumerate(result.hypotheses) for hypothesis in ranked]
    if looking is None:
        found = iter([_plain(hypothesis, tokenizer) for _, hypothesis in flat])
    else:
        with torch.inference_mode():
            weights = looking.weights(result, flat, direction)
        found = iter(
            [
                _aligned(hypothesis, inputs[row].side, tokenizer, own, looking.settings)
                for (row, hypothesis), own in zip(flat, weights, strict=True)
            ]
        )
    return [tuple(next(found) for _ in ranked) for ranked in result.hypotheses]


def check_computed(result: Result) -> None:
    """Raises DataError if the model computed no numbers."""
    if not all(ranked and not isnan(ranked[0].score) for ranked in result.hypotheses):
        raise DataError(
            "wanted probabilities from the model, got NaN: its weights or its number type are no good; "
            "train or fetch it again, or load it in float32"
        )


def _plain(hypothesis: Hypothesis, tokenizer: TextTokenizer) -> Answer:
    return _answer(hypothesis, one_line(tokenizer.decode(hypothesis.tokens)), WordAlignment(), ())


def _aligned(
    hypothesis: Hypothesis, source: Side, tokenizer: TextTokenizer, weights: Array, settings: AlignmentSettings
) -> Answer:
    target = written(hypothesis.tokens, tokenizer)
    found = word_alignment(weights, source=source, target=target, settings=settings)
    return _answer(hypothesis, target.text, found, confidences(target, hypothesis.token_log_probabilities))


def _answer(hypothesis: Hypothesis, text: str, alignment: WordAlignment, found: tuple[Word, ...]) -> Answer:
    return Answer(
        text,
        hypothesis.log_probability,
        len(hypothesis.tokens),
        alignment,
        hypothesis.token_log_probabilities,
        found,
        hypothesis.tokens[: len(hypothesis.tokens) - int(hypothesis.finished)],
    )


def written(tokens: Sequence[int], tokenizer: TextTokenizer) -> Side:
    """What tokens say, as part of a line, with their spans and the words."""
    text, spans = tokenizer.token_spans(tokens)
    line, lead = one_line(text), len(text) - len(text.lstrip())
    return Side(line, [(max(start - lead, 0), max(end - lead, 0)) for start, end in spans], words(line))


def one_line(text: str) -> str:
    """What a model wrote, as part of a line: no line end inside, no white space at its ends."""
    return text.replace("\n", " ").replace("\r", " ").strip()
