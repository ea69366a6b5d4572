"""Independent hypotheses that never swap places: the loop under greedy search, sampling and scoring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch

from weft.base.shapes import Float, Int, Tensor
from weft.generation.history import dense
from weft.generation.hypothesis import Hypothesis, Result, length_normalised
from weft.generation.live import Live
from weft.generation.task import Task


@dataclass(frozen=True)
class Choice:
    """The next token of each hypothesis `[m n]`, and the model's log-probability of it."""

    tokens: Int[Tensor, "m n"]
    log_probs: Float[Tensor, "m n"]


@runtime_checkable
class Chooser(Protocol):
    """Decides how each hypothesis goes on."""

    def choose(self, logits: Float[Tensor, "m n w"], step: int) -> Choice: ...

    def select(self, kept: Int[Tensor, " m"]) -> None:
        """Go on with these sources of the batch alone."""
        ...


def run(live: Live, task: Task, chooser: Chooser, *, width: int) -> Result:
    """Each source's `width` hypotheses, best first; one step a token until all of them end.

    A hypothesis that has ended goes on writing what nobody reads while others of the batch need the steps.
    """
    tokens = task.start[:, None].expand(-1, width)
    done = torch.zeros_like(tokens, dtype=torch.bool)
    limits, last_steps = task.limits, set(task.limits.tolist())
    choices: list[Choice] = []
    leaving = False
    while True:
        choice = chooser.choose(live.step(tokens), len(choices))
        choices.append(choice)
        tokens = choice.tokens
        last = len(choices) in last_steps
        news = last or task.eos in tokens.flatten().tolist()
        if not news and not leaving:
            continue
        ends = tokens == task.eos
        leaving = news and live.recording  # what is recorded reads its end before it goes
        was_done, done = done, done | ends
        cut = ~done & (limits <= len(choices))[:, None] if last else None
        done = done if cut is None else done | cut
        ended = done.all(1)
        num_ended = int(ended.sum())
        if num_ended == len(ended):
            break
        kept = live.drop(was_done.all(1) if live.recording else ended) if num_ended else None
        if kept is not None:
            tokens, done, limits = tokens[kept], done[kept], limits[kept]
            chooser.select(kept)
    if live.recording and cut is not None and bool(cut.any()):
        live.step(tokens)
    return _result(live, task, choices, width)


def _result(live: Live, task: Task, choices: Sequence[Choice], width: int) -> Result:
    num_sources = len(task.start)
    tokens_tbn = dense([choice.tokens for choice in choices], live.read, num_sources)
    log_probs_tbn = dense([choice.log_probs for choice in choices], live.read, num_sources)
    tokens_bnt, log_probs_bnt = tokens_tbn.permute(1, 2, 0).tolist(), log_probs_tbn.permute(1, 2, 0).tolist()
    hypotheses = []
    uncounted = task.forced.uncounted.tolist()
    for source, limit in enumerate(task.limits.tolist()):
        pairs = [(tokens_bnt[source][slot][:limit], log_probs_bnt[source][slot][:limit]) for slot in range(width)]
        ended = [
            _ended(*pair, slot, task, uncounted=uncounted[source], recording=live.recording)
            for slot, pair in enumerate(pairs)
        ]
        hypotheses.append(tuple(sorted(ended, key=lambda each: (not each.finished, -each.score))))
    return Result(tuple(hypotheses), tuple(live.read))


def _ended(
    tokens: list[int], log_probs: list[float], slot: int, task: Task, *, uncounted: int, recording: bool
) -> Hypothesis:
    """The hypothesis up to its first `</s>`, or all of it where there is none."""
    finished = task.eos in tokens
    length = tokens.index(task.eos) + 1 if finished else len(tokens)
    total = sum(log_probs[:length])
    return Hypothesis(
        tokens=tuple(tokens[:length]),
        token_log_probabilities=tuple(log_probs[:length]),
        score=length_normalised(total, max(length - uncounted, 1), task.settings.length_penalty),
        log_probability=total,
        finished=finished,
        slots=(slot,) * (length + (not finished)) if recording else None,
    )
