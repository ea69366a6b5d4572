"""Given targets forced on a model, all positions in one pass: how probable they are, and which word came from where."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import nn

from weft.alignment.confidence import Word, confidences
from weft.alignment.extract import WordWeights, word_weights
from weft.alignment.link import Span
from weft.alignment.read import read
from weft.alignment.settings import AlignmentSettings
from weft.alignment.side import Side
from weft.alignment.words import words
from weft.attention.record import Record
from weft.base.padded import pad
from weft.base.shapes import Tensor
from weft.data.direction import Direction
from weft.data.text_tokenizer import TextTokenizer
from weft.generation.batching import batches_by_length, in_given_order
from weft.generation.logits import log_probabilities

_MOST_TOKENS = 4096
_MOST_ROWS = 256  # of a batch, however short
Found = TypeVar("Found")


@dataclass(frozen=True)
class Given:
    """A pair as token ids, without any special ones."""

    source: Sequence[int]
    target: Sequence[int]


@dataclass(frozen=True)
class ForcedPair:
    """A pair as the model sees it: shares and links of its words, and how probable the target's tokens and words are.

    `token_log_probabilities` are natural, the last is that of `</s>`; they and `words` are empty unless asked for.
    """

    weights: WordWeights
    token_log_probabilities: tuple[float, ...] = ()
    words: tuple[Word, ...] = ()


def forced_scores(
    model: nn.Module, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]], *, direction: Direction
) -> list[float]:
    """The log-probability of each target with `</s>`."""
    pairs = [Given(source, target) for source, target in zip(sources, targets, strict=True)]
    return [sum(each) for each in _batched(pairs, lambda rows: _forced(model, [pairs[row] for row in rows], direction))]


def forced_pairs(
    model: nn.Module,
    tokenizer: TextTokenizer,
    pairs: Sequence[tuple[str, str]],
    *,
    direction: Direction,
    settings: AlignmentSettings,
    cut: Callable[[str], Sequence[Span]] = words,
    scored: bool = True,
) -> list[ForcedPair]:
    """The alignment of each pair (source, target), read whole and in the order given; an empty side has no links.

    `cut` says where the words of a text stand. Without `scored`, nothing is projected to the vocabulary.
    """
    read_pairs = [_Read.of(source, target, tokenizer, cut) for source, target in pairs]

    def of_batch(rows: Sequence[int]) -> list[ForcedPair]:
        record, batch = Record([settings.site]), [read_pairs[row] for row in rows]
        log_probs = _forced(model, [each.ids for each in batch], direction, record=record, scored=scored)
        with torch.inference_mode():
            whole = read(record.at(settings.site)[0], settings, before=len(direction.before))
            weights = whole[:, direction.rows]
        found = []
        for each, own, scores in zip(batch, weights, log_probs, strict=True):
            shares = word_weights(own, source=each.source, target=each.target, settings=settings)
            found.append(ForcedPair(shares, tuple(scores), confidences(each.target, scores[:-1]) if scored else ()))
        return found

    return _batched([each.ids for each in read_pairs], of_batch)


@dataclass(frozen=True)
class _Read:
    """A pair of texts with their words and tokens."""

    source: Side
    target: Side
    ids: Given

    @staticmethod
    def of(source: str, target: str, tokenizer: TextTokenizer, cut: Callable[[str], Sequence[Span]]) -> _Read:
        reading, writing = tokenizer.encode(source), tokenizer.target.encode(target)
        return _Read(
            Side(source, reading.spans, cut(source)),
            Side(target, writing.spans, cut(target)),
            Given(reading.ids, writing.ids),
        )


@torch.inference_mode()
def _forced(
    model: Any, pairs: Sequence[Given], direction: Direction, *, record: Record | None = None, scored: bool = True
) -> list[list[float]]:
    """The log-probability of each target's tokens and of `</s>`; empty lists unless `scored`."""
    device = next(model.parameters()).device
    source = pad([direction.source(pair.source) for pair in pairs], device=device)
    inputs = pad([direction.heard(pair.target) for pair in pairs], device=device)
    seen = () if record is None else (record,)  # a model that attends to nothing takes none
    if not scored:
        model.states(source, inputs.values, *seen)
        return [[] for _ in pairs]
    logits: Tensor = model(source, inputs.values, *seen)
    outputs = pad([direction.written(pair.target) for pair in pairs], device=device)
    chosen = log_probabilities(logits).gather(-1, outputs.values[..., None]).squeeze(-1).tolist()
    return [row[direction.rows][: len(pair.target) + 1] for row, pair in zip(chosen, pairs, strict=True)]


def _batched(pairs: Sequence[Given], of_rows: Callable[[Sequence[int]], Sequence[Found]]) -> list[Found]:
    """What a function says of batches of pairs of like length, in the order given."""
    lengths = [len(pair.source) + len(pair.target) for pair in pairs]
    batches = batches_by_length(lengths, max_tokens=_MOST_TOKENS, max_rows=_MOST_ROWS)
    return in_given_order(batches, [of_rows(rows) for rows in batches])
