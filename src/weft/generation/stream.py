"""What is certain already while a search goes on: text to show that is never taken back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from weft.base.errors import UnsupportedError
from weft.base.shapes import Bool, Int, Tensor
from weft.generation.beam import Beam
from weft.generation.history import Traced
from weft.generation.hypothesis import Result
from weft.generation.live import Live
from weft.generation.logits import NEVER
from weft.generation.protocol import Seq2Seq
from weft.generation.settings import DEFAULT, SearchSettings
from weft.generation.task import checked

_NOTHING = -1


@dataclass(frozen=True)
class Progress:
    """For each source the tokens that its best hypothesis is sure to start with; the result once there is one.

    Each source's `stable` is a prefix of the next, and the last is all of the best hypothesis, `</s>` included. With a
    record, `traces` follow where in it these tokens are.
    """

    stable: tuple[tuple[int, ...], ...]
    result: Result | None = None
    traces: tuple[Trace, ...] = ()


@dataclass(frozen=True)
class Trace:
    """Where the prefix of a source stands in a record, and the log-probability of each of its tokens but `</s>`.

    `slots` are those of the decoder's inputs, as in `Hypothesis`, for the steps that were run: the one that reads the
    newest token often has not been.
    """

    slots: tuple[int, ...] = ()
    log_probabilities: tuple[float, ...] = ()


def search_steps(
    model: Seq2Seq,
    memory: Any,
    *,
    start: Int[Tensor, " b"],
    source_lengths: Int[Tensor, " b"],
    eos: int,
    settings: SearchSettings = DEFAULT,
    prefix: Sequence[Sequence[int]] | None = None,
    record: Any = None,
) -> Iterator[Progress]:
    """The progress of a `search` with the same arguments, whenever more is certain or recorded; the result comes last.

    Certain is what all hypotheses begin with that may still become the best: the live ones that can reach a higher
    score than the best one that has ended, and that one. Raises `UnsupportedError` for sampling.
    """
    if settings.sampling is not None:
        raise UnsupportedError("streaming wants greedy or beam search, got sampling; leave `sampling` out, or `search`")
    task = checked(
        start=start,
        source_lengths=source_lengths,
        eos=eos,
        settings=settings,
        prefix=prefix,
        vocabulary_size=model.vocabulary_size,
    )
    if not len(start):
        yield Progress((), Result((), ()))
        return
    with torch.no_grad():
        beam = Beam(Live(model, memory, task, width=settings.beam, record=record), task)
    certain = Certain(beam, len(start))
    while True:
        # Not around a yield: the caller's own gradients are not to be switched off in between.
        with torch.no_grad():
            beam.advance()
        if beam.finished:
            break
        if certain.grow():
            yield Progress(certain.prefixes, traces=certain.traces)
    with torch.no_grad():
        result = beam.result()
    yield Progress(tuple(best.tokens for best in result.best), result)


class Certain:
    """The certain prefix of each source of a beam search under way."""

    def __init__(self, beam: Beam, num_sources: int) -> None:
        self._beam = beam
        self._known: list[list[int]] = [[] for _ in range(num_sources)]
        self._slots: list[list[int]] = [[] for _ in range(num_sources)]
        self._log_probs: list[list[float]] = [[] for _ in range(num_sources)]
        self._open = [True] * num_sources

    @property
    def prefixes(self) -> tuple[tuple[int, ...], ...]:
        return tuple(tuple(tokens) for tokens in self._known)

    @property
    def traces(self) -> tuple[Trace, ...]:
        """What is known of the prefixes beside their tokens; empty without a record."""
        return tuple(Trace(tuple(x), tuple(p)) for x, p in zip(self._slots, self._log_probs, strict=True))

    def grow(self) -> bool:
        """Takes in the last step of the search; whether any prefix, or what is recorded of one, is longer now."""
        open_ = [source for source, undecided in enumerate(self._open) if undecided]
        if not open_:
            return False
        before = sum(map(len, self._known + self._slots))
        since = min(len(self._known[source]) for source in open_)
        contenders = self._contenders()
        traced = self._written(contenders, since)
        common = common_prefixes(traced.tokens, contenders.counts)
        undecided = contenders.counts[:, :-2].any(1).tolist()
        for source in open_:
            self._known[source] += common[source][len(self._known[source]) - since :]
            self._open[source] = undecided[source]
            if self._beam.live.recording and self._known[source]:
                self._follow(source, traced, int(contenders.counts[source].long().argmax()), since)
        return sum(map(len, self._known + self._slots)) > before

    def _follow(self, source: int, traced: Traced, contender: int, since: int) -> None:
        """Takes in the path of a contender, traced from step `since` on, as far as it is that of the prefix.

        Live hypotheses never say the same, so one prefix has one path, whichever contender it is taken from.
        """
        known, slots, log_probs = self._known[source], self._slots[source], self._log_probs[source]
        written = len(known) - (known[-1] == self._beam.task.eos)
        read = min(written + 1, len(self._beam.live.read))
        slots += traced.slots[len(slots) - since : read - since, source, contender].tolist()
        log_probs += traced.log_probs[len(log_probs) - since : written - since, source, contender].tolist()

    def _contenders(self) -> Contenders:
        """The live slots that may still win, the best that has ended, and where none has, the best that was cut."""
        beam = self._beam
        ended, cut = beam.ended.best(1), beam.cut.best(1)
        best_ended, best_cut = ended.score[:, :1], cut.score[:, :1]
        alive = torch.zeros(len(ended.slots), beam.totals.shape[1], dtype=torch.bool)
        alive[beam.live.rows] = beam.may_beat(ended.score[beam.live.rows, :1].to(beam.totals.device)).cpu()
        has_ended = best_ended > NEVER
        live_slots = torch.arange(alive.shape[1]).expand_as(alive)
        return Contenders(
            slots=torch.cat([live_slots, ended.slots[:, :1], cut.slots[:, :1]], 1),
            reads=torch.cat(
                [torch.full_like(live_slots, len(beam.history) + 1), ended.reads[:, :1], cut.reads[:, :1]], 1
            ),
            counts=torch.cat([alive, has_ended, ~has_ended & (best_cut > NEVER)], 1),
        )

    def _written(self, contenders: Contenders, since: int) -> Traced:
        """What the contenders wrote from step `since` on, `</s>` included, `_NOTHING` after their end."""
        beam = self._beam
        traced = beam.history.trace(contenders.slots, contenders.reads, beam.live.read, since=since)
        tokens = traced.tokens
        times = torch.arange(since, since + len(tokens))[:, None, None]
        tokens = tokens.masked_fill(times >= contenders.reads - 1, _NOTHING)
        tokens[..., -2].masked_fill_(times[..., 0] == contenders.reads[:, -2] - 1, beam.task.eos)
        return replace(traced, tokens=tokens)


@dataclass(frozen=True)
class Contenders:
    """Hypotheses as the slot `[b k]` of their last of `reads` steps; those where `counts` is False are not meant."""

    slots: Int[Tensor, "b k"]
    reads: Int[Tensor, "b k"]
    counts: Bool[Tensor, "b k"]


def common_prefixes(tokens: Int[Tensor, "t b k"], counts: Bool[Tensor, "b k"]) -> list[list[int]]:
    """What all hypotheses that count start with, for each source; nothing where none counts."""
    first = counts.long().argmax(1)
    reference_tb = tokens.gather(2, first.expand(len(tokens), -1)[..., None]).squeeze(2)
    same_tb = ((tokens == reference_tb[..., None]) | ~counts).all(2) & (reference_tb >= 0) & counts.any(1)
    lengths = same_tb.long().cumprod(0).sum(0).tolist()
    return [column[:length] for column, length in zip(reference_tb.T.tolist(), lengths, strict=True)]
