"""Beam search over a whole batch at once."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from weft.base.shapes import Bool, Float, Int, Tensor
from weft.generation.history import History
from weft.generation.hypothesis import Result, normalised
from weft.generation.kept import Kept
from weft.generation.live import Live
from weft.generation.logits import NEVER, largest, log_probabilities_
from weft.generation.read_back import read_back
from weft.generation.stop import best_possible
from weft.generation.task import Task


@dataclass(frozen=True)
class Candidates:
    """The most probable continuations of each source, `[m c]`, best first; `totals` is -inf where there is none."""

    totals: Float[Tensor, "m c"]
    log_probs: Float[Tensor, "m c"]
    parents: Int[Tensor, "m c"]
    tokens: Int[Tensor, "m c"]

    def pick(self, places: Int[Tensor, "m n"], totals: Float[Tensor, "m n"]) -> Candidates:
        """Some of them, under other totals."""
        log_probs, parents, tokens = (each.gather(1, places) for each in (self.log_probs, self.parents, self.tokens))
        return Candidates(totals, log_probs, parents, tokens)

    def first(self, count: int) -> Candidates:
        return Candidates(
            self.totals[:, :count], self.log_probs[:, :count], self.parents[:, :count], self.tokens[:, :count]
        )


def continuations(totals: Float[Tensor, "m n"], log_probs: Float[Tensor, "m n w"]) -> Candidates:
    """The 2n best continuations of n hypotheses: even if n of them end, n are left to go on."""
    width, vocabulary = log_probs.shape[1:]
    reached, places = largest(totals, log_probs, min(2 * width, width * vocabulary))
    chosen = log_probs.flatten(1).gather(1, places)
    return Candidates(reached, chosen, places // vocabulary, places % vocabulary)


class Beam:
    """One search under way. `advance` until `finished`, then `result`.

    A source is done when enough of its hypotheses have ended (`SearchSettings.stopping`), or when none of its live ones
    can still get among the `nbest` (`stop.best_possible`), or at its length limit. A hypothesis ends when `</s>` is
    among the `beam` best continuations of its source. Live hypotheses cut at the limit are kept too, ranked behind all
    that ended or among them (`SearchSettings.cut`).
    """

    def __init__(self, live: Live, task: Task) -> None:
        self.live = live
        self.task = task
        self.history = History()
        self.finished = False
        self.limits = task.limits
        self._width = task.settings.beam
        self._alpha, self._uncounted = task.settings.length_penalty, task.forced.uncounted
        self._constraints = task.constraints(self._width)
        self._last_steps = set(task.limits.tolist())
        self._tokens = task.start[:, None].expand(-1, self._width)
        self._done = torch.zeros_like(task.start, dtype=torch.bool)
        self._num_ended = torch.zeros_like(task.start)
        self._any_ended = self._any_cut = False
        # In the dtype of the log-probabilities, so they wait for the first step.
        self.totals: Tensor
        self.ended: Kept
        self.cut: Kept

    def advance(self) -> None:
        """One step of every source still in the batch."""
        log_probs = log_probabilities_(self.live.step(self._tokens))
        if not len(self.history):
            self._open(log_probs)
        best = continuations(self.totals, self._constraints(log_probs, len(self.history)))
        goes_on = self._collect(best)
        self.history.append(goes_on.tokens, goes_on.parents, goes_on.log_probs)
        self._tokens, self.totals = goes_on.tokens, goes_on.totals
        self._close(goes_on.parents)

    def _open(self, log_probs: Float[Tensor, "b n w"]) -> None:
        """At the start all hypotheses of a source are the same, so only the first is alive."""
        self.totals = log_probs.new_full(log_probs.shape[:2], NEVER)
        self.totals[:, 0] = 0
        self.ended = Kept.nothing(len(self._done), self._width, log_probs)
        self.cut = Kept.nothing(len(self._done), self._width, log_probs)

    def _collect(self, best: Candidates) -> Candidates:
        """Keeps the continuations that end; returns the n best that go on."""
        if self.task.eos not in best.tokens.flatten().tolist():
            return best.first(self._width)
        ends = best.tokens == self.task.eos
        ending = best.first(self._width)
        counted = ends[:, : self._width] & (ending.totals > NEVER)
        length = len(self.history) + 1
        ranked = self._normalised(ending.totals, length).masked_fill(~counted, NEVER)
        reads = torch.full_like(ending.parents, length)
        self.ended.merge(self.live.rows, Kept(ranked, ending.totals, ending.log_probs, ending.parents, reads))
        self._num_ended = self._num_ended + counted.sum(1)
        self._any_ended = True
        going = best.totals.masked_fill(ends, NEVER).topk(self._width)
        return best.pick(going.indices, going.values)

    def _close(self, parents: Int[Tensor, "m n"]) -> None:
        """Finds out which sources are done, and gets the others ready for the next step."""
        at_limit = self._cut() if len(self.history) in self._last_steps else None
        self._any_cut = self._any_cut or at_limit is not None
        if not self._any_ended and not self._any_cut:  # no source can be done: nothing to find out
            self._go_on(parents)
            return
        was_done = self._done
        done = was_done | self._hopeless() if self._any_ended else was_done
        self._done = done if at_limit is None else done | at_limit
        self.finished = bool(self._done.all())
        last_read = self.live.recording and at_limit is not None and bool((at_limit & ~was_done).any())
        if self.finished and not last_read:
            return
        if self.finished:
            self.live.reorder(parents)
            self.live.step(self._tokens)
            return
        self._go_on(parents)
        self.totals = self.totals.masked_fill(self._done[:, None], NEVER)
        self._drop(was_done if self.live.recording else self._done)

    def _go_on(self, parents: Int[Tensor, "m n"]) -> None:
        self.live.reorder(parents)
        self._constraints.follow(self._tokens, parents)

    def _hopeless(self) -> Bool[Tensor, " m"]:
        """Sources of which enough hypotheses have ended, or none that lives can still get among the best."""
        kept, full = self.ended.score[self.live.rows], self._num_ended >= self._width
        match self.task.settings.stopping:
            case "likely":
                full = full & ~(self._normalised(self.totals, len(self.history)) > kept[:, -1:]).any(1)
            case "certain":
                full = full & ~self.may_beat(kept[:, -1:]).any(1)
        return full | ~self.may_beat(kept[:, self.task.settings.nbest - 1, None]).any(1)

    def may_beat(self, scores: Float[Tensor, "m 1"]) -> Bool[Tensor, "m n"]:
        """Which live hypotheses may still reach more than these scores."""
        lengths = (self.limits - self._uncounted).clamp(min=1)
        return best_possible(self.totals, lengths, self._alpha) > scores

    def _normalised(self, totals: Float[Tensor, "m n"], length: int) -> Float[Tensor, "m n"]:
        """What ranks hypotheses that have written so many tokens."""
        return normalised(totals, (length - self._uncounted).clamp(min=1), self._alpha)

    def _cut(self) -> Bool[Tensor, " m"]:
        """Keeps the live hypotheses of the sources that have reached their limit; returns which sources those are."""
        length = len(self.history)
        at_limit = self.limits == length
        totals = self.totals.masked_fill(~at_limit[:, None], NEVER)
        slots = torch.arange(self._width, device=totals.device).expand_as(totals)
        ranked = self._normalised(totals, length)
        reads = torch.full_like(slots, length + 1)
        self.cut.merge(self.live.rows, Kept(ranked, totals, torch.zeros_like(totals), slots, reads))
        return at_limit

    def _drop(self, done: Bool[Tensor, " m"]) -> None:
        if (kept := self.live.drop(done)) is None:
            return
        self._constraints.select(kept)
        self._tokens, self.totals, self.limits = self._tokens[kept], self.totals[kept], self.limits[kept]
        self._uncounted = self._uncounted[kept]
        self._done, self._num_ended = self._done[kept], self._num_ended[kept]

    def result(self) -> Result:
        """The best hypotheses of each source: those that ended before those that were cut, or among them."""
        nbest, among = self.task.settings.nbest, self.task.settings.cut == "among"
        ended, cut = read_back(self.ended, self.cut, self.history, self.live, eos=self.task.eos, nbest=nbest)
        both = [first + then for first, then in zip(ended, cut, strict=True)]
        ranked = [sorted(found, key=lambda one: -one.score) for found in both] if among else both
        return Result(tuple(tuple(found[:nbest]) for found in ranked), tuple(self.live.read))
