"""A translation while it is being written: text that is never taken back, and links once nothing can change them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from weft.alignment.confidence import Word, confidences
from weft.alignment.decide import LOCAL
from weft.alignment.extract import word_alignment
from weft.alignment.gather import gather
from weft.alignment.link import Span, WordAlignment
from weft.alignment.read import read
from weft.alignment.side import Array, Side
from weft.alignment.words import words
from weft.data.direction import Direction
from weft.data.text_tokenizer import TextTokenizer
from weft.generation.settings import SearchSettings
from weft.generation.stream import Progress, Trace, search_steps
from weft.translating.answering import Answer, Looking, answers, one_line, written
from weft.translating.decoding import Decoder, Input
from weft.translating.requests import Request
from weft.translating.weaving import Aligned, stayed

_UNFINISHED = "\N{REPLACEMENT CHARACTER}"  # what the first bytes of a character look like


NO_LINKS = WordAlignment()


@dataclass(frozen=True)
class Piece:
    """What has become certain: more of the text, and the links and confidence of words that stand in it or before it.

    Links come later than their words: the row they are read from is that of the next step, and a word has not ended
    before another begins. Either part may be empty; all pieces together are the translation.
    """

    text: str = ""
    alignment: WordAlignment = NO_LINKS
    words: tuple[Word, ...] = ()

    def __str__(self) -> str:
        return self.text

    def to_json(self) -> dict[str, Any]:
        """The keys of a translation in JSON, each with what this piece adds to it."""
        return {"text": self.text, **self.alignment.to_json(), "words": [one.to_json() for one in self.words]}

    def moved(self, source: int, target: int) -> Piece:
        """The same piece where the two texts stand this many code points further on."""
        return replace(
            self, alignment=self.alignment.moved(source, target), words=tuple(one.moved(target) for one in self.words)
        )


def stream_all(
    decoder: Decoder, request: Request, *, direction: Direction, settings: SearchSettings, align: bool = False
) -> Iterator[Piece]:
    """Pieces of the translation of a text, of one segment after the other, and of what stands between them."""
    text, length = request.source.text, 0
    for place, (start, end) in enumerate(request.source.gaps):
        gap = text[start:end]
        if gap:
            kept = stayed(gap) if align else Aligned(NO_LINKS, ())
            yield Piece(gap, kept.alignment, kept.words).moved(start, length)
            length += len(gap)
        if place < len(request.inputs):
            begin = length
            for piece in stream(decoder, request.inputs[place], direction=direction, settings=settings, align=align):
                yield piece.moved(end, begin)
                length += len(piece.text)


@torch.inference_mode()
def stream(
    decoder: Decoder, given: Input, *, direction: Direction, settings: SearchSettings, align: bool = False
) -> Iterator[Piece]:
    """Pieces of the best answer for an input, each as soon as it is certain; spans are inside its text and answer.

    Raises UnsupportedError where a model is to align that cannot.
    """
    looking = decoder.looking(align, [given])
    pieces = _Pieces(given, decoder.tokenizer, looking, direction)
    if direction.first is not None:
        settings = replace(settings, forced_first=direction.first)
    for progress in search_steps(
        decoder.model,
        decoder.memory([given], direction),
        start=torch.tensor([direction.start], device=decoder.device),
        source_lengths=torch.tensor([given.length(direction)], device=decoder.device),
        eos=direction.eos,
        settings=settings,
        record=None if looking is None else looking.record,
    ):
        piece = pieces.take(progress)
        if piece.text or piece.words:
            yield piece


class _Pieces:
    """What of one answer has been handed out."""

    def __init__(self, given: Input, tokenizer: TextTokenizer, looking: Looking | None, direction: Direction) -> None:
        self._given, self._tokenizer, self._looking = given, tokenizer, looking
        self._direction = direction
        self._shown = ""
        self._aligned = 0  # words
        self._rows: list[Array] = []

    def take(self, progress: Progress) -> Piece:
        """What is new in the progress of a search."""
        if progress.result is not None:
            [[best, *_]] = answers(
                progress.result, [self._given], self._tokenizer, self._looking, direction=self._direction
            )
            return self._rest(best)
        text = self._grow(one_line(self._tokenizer.decode(progress.stable[0]).rstrip(_UNFINISHED)))
        if self._looking is None or not progress.traces[0].slots:
            return Piece(text)
        return self._align(text, progress.stable[0], progress.traces[0], self._looking)

    def _grow(self, text: str) -> str:
        """What the text says beyond what has been shown."""
        new, self._shown = text[len(self._shown) :], max(self._shown, text, key=len)
        return new

    def _rest(self, answer: Answer) -> Piece:
        """All of an answer that has not been handed out."""
        text = self._grow(answer.text)
        new = answer.words[self._aligned :]
        first = new[0].target[0] if new else len(answer.text)
        found = WordAlignment(
            tuple(link for link in answer.alignment.links if link.target[0] >= first),
            answer.alignment.unaligned[self._aligned :],
        )
        return Piece(text, found, new)

    def _align(self, text: str, tokens: Sequence[int], trace: Trace, looking: Looking) -> Piece:
        """The text with the links of words that have ended and whose rows have been recorded."""
        self._read(trace.slots, looking)
        if looking.settings.decision not in LOCAL:  # any later word may change any link
            return Piece(text)
        target = replace(written(tokens, self._tokenizer), text=self._shown, words=ended_words(self._shown))
        end = self._aligned + self._num_new(target, len(self._rows) - looking.settings.shift)
        new = replace(target, words=target.words[self._aligned : end])
        self._aligned = end
        found = word_alignment(np.stack(self._rows), source=self._given.side, target=new, settings=looking.settings)
        return Piece(text, found, confidences(new, trace.log_probabilities))

    def _num_new(self, target: Side, num_rows: int) -> int:
        """How many words more have a row for each of their tokens, none of which is the last: that has its own rule."""
        order = np.arange(len(target.tokens))[:, None]
        last = np.where(target.overlaps() > 0, order, -1).max(0, initial=-1)[self._aligned :]
        spelt = [place for place, (start, end) in enumerate(target.tokens) if start < end]
        return int((last < min(num_rows, spelt[-1] if spelt else 0)).cumprod().sum())

    def _read(self, slots: Sequence[int], looking: Looking) -> None:
        """Takes in the rows of steps that have been run since."""
        steps = slice(len(self._rows), len(slots))
        if steps.start == steps.stop:
            return
        seen = looking.record.at(looking.sites[0])[steps]
        asked = gather(seen, [torch.zeros(1, dtype=torch.long)] * len(seen), sources=[0], slots=[slots[steps]])
        self._rows += list(read(asked.observation, looking.settings, before=len(self._direction.before))[0])


def ended_words(text: str) -> list[Span]:
    """The words of a text that stay what they are, however the text goes on.

    A mark may yet join what stands on both its sides ("can", "'" and "t"; "l", "'", " " and "«"), so a word is certain
    once two others have begun after it, or one beyond white space.
    """
    found = words(text)
    apart = [place for place, (one, other) in enumerate(pairwise(found), start=1) if one[1] < other[0]]
    return found[: max([0, len(found) - 2, *apart[-1:]])]
