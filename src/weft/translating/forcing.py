"""Given targets forced on a model, all positions in one pass: how probable they are, and which word came from where."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

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
from weft.base.shapes import Int, Tensor
from weft.data.direction import Direction
from weft.data.text_tokenizer import TextTokenizer
from weft.generation.batching import batches_by_length, in_given_order
from weft.generation.logits import log_probabilities

_MOST_TOKENS = 4096
_MOST_ROWS = 256  # of a batch, however short
Found = TypeVar("Found")


class Writer(Protocol):
    """A model and its inputs, made to write given targets."""

    def __call__(
        self, rows: Sequence[int], heard: Int[Tensor, "b t"], *, record: Record | None, scored: bool
    ) -> Tensor:
        """Logits `[b t w]` of these inputs, after each position of what the decoder reads; unless `scored`, states."""
        ...


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
    return total_scores(writer(model, sources, direction), list(map(len, sources)), targets, direction)


def total_scores(
    write: Writer, lengths: Sequence[int], targets: Sequence[Sequence[int]], direction: Direction
) -> list[float]:
    """The log-probability of each target with `</s>`, given inputs of these lengths."""

    def of_batch(rows: Sequence[int]) -> list[float]:
        return [sum(each) for each in log_probabilities_of(write, rows, [targets[row] for row in rows], direction)]

    return batched(lengths, targets, of_batch)


def writer(model: Any, sources: Sequence[Sequence[int]], direction: Direction) -> Writer:
    """A model of one source, whose inputs are token ids without any special ones."""

    def write(rows: Sequence[int], heard: Int[Tensor, "b t"], *, record: Record | None, scored: bool) -> Tensor:
        device = next(model.parameters()).device
        source, heard = pad([direction.source(sources[row]) for row in rows], device=device), heard.to(device)
        seen = () if record is None else (record,)  # a model that attends to nothing takes none
        found: Tensor = model(source, heard, *seen) if scored else model.states(source, heard, *seen)
        return found

    return write


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
    sources, targets = ([each.source_ids for each in read_pairs], [each.target_ids for each in read_pairs])
    write = writer(model, sources, direction)

    def of_batch(rows: Sequence[int]) -> list[ForcedPair]:
        record, batch = Record([settings.site]), [read_pairs[row] for row in rows]
        log_probs = log_probabilities_of(
            write, rows, [targets[row] for row in rows], direction, record=record, scored=scored
        )
        with torch.inference_mode():
            whole = read(record.at(settings.site)[0], settings, before=len(direction.before))
            weights = whole[:, direction.rows]
        found = []
        for each, own, scores in zip(batch, weights, log_probs, strict=True):
            shares = word_weights(own, source=each.source, target=each.target, settings=settings)
            found.append(ForcedPair(shares, tuple(scores), confidences(each.target, scores[:-1]) if scored else ()))
        return found

    return batched(list(map(len, sources)), targets, of_batch)


@dataclass(frozen=True)
class _Read:
    """A pair of texts with their words and tokens."""

    source: Side
    target: Side
    source_ids: Sequence[int]
    target_ids: Sequence[int]

    @staticmethod
    def of(source: str, target: str, tokenizer: TextTokenizer, cut: Callable[[str], Sequence[Span]]) -> _Read:
        reading, writing = tokenizer.encode(source), tokenizer.target.encode(target)
        return _Read(
            Side(source, reading.spans, cut(source)),
            Side(target, writing.spans, cut(target)),
            reading.ids,
            writing.ids,
        )


@torch.inference_mode()
def log_probabilities_of(
    write: Writer,
    rows: Sequence[int],
    targets: Sequence[Sequence[int]],
    direction: Direction,
    *,
    record: Record | None = None,
    scored: bool = True,
) -> list[list[float]]:
    """The log-probability of the tokens of each target, one for each of these inputs, and of `</s>`.

    Empty lists unless `scored`: then nothing is projected to the vocabulary.
    """
    heard = pad([direction.heard(target) for target in targets]).values
    logits = write(rows, heard, record=record, scored=scored)
    if not scored:
        return [[] for _ in targets]
    outputs = pad([direction.written(target) for target in targets], device=logits.device)
    chosen = log_probabilities(logits).gather(-1, outputs.values[..., None]).squeeze(-1).tolist()
    return [row[direction.rows][: len(target) + 1] for row, target in zip(chosen, targets, strict=True)]


def batched(
    lengths: Sequence[int], targets: Sequence[Sequence[int]], of_rows: Callable[[Sequence[int]], Sequence[Found]]
) -> list[Found]:
    """What a function says of batches of inputs and targets of like length, in the order given."""
    whole = [length + len(target) for length, target in zip(lengths, targets, strict=True)]
    batches = batches_by_length(whole, max_tokens=_MOST_TOKENS, max_rows=_MOST_ROWS)
    return in_given_order(batches, [of_rows(rows) for rows in batches])
