"""From back-pointers to hypotheses: once, at the end of a search."""

from __future__ import annotations

from typing import Any

from weft.base.shapes import Tensor
from weft.generation.history import History
from weft.generation.hypothesis import Hypothesis
from weft.generation.kept import Kept
from weft.generation.live import Live

Found = list[tuple[Hypothesis, ...]]


def read_back(ended: Kept, cut: Kept, history: History, live: Live, *, eos: int, nbest: int) -> tuple[Found, Found]:
    """The best hypotheses of each source that ended, best first, and the best of those cut at the limit."""
    return _all(ended.best(nbest), history, live, (eos,)), _all(cut.best(nbest), history, live, ())


def _all(kept: Kept, history: History, live: Live, end: tuple[int, ...]) -> Found:
    paths = history.trace(kept.slots, kept.reads, live.read)
    columns = [_lists(each) for each in (paths.tokens, paths.log_probs, paths.slots)]
    scalars = [each.tolist() for each in (kept.score, kept.total, kept.last_log_probs, kept.reads)]
    found = []
    for source, present in enumerate((kept.score > float("-inf")).sum(1).tolist()):
        ranked = []
        for place in range(present):
            tokens, log_probs, slots = (column[source][place] for column in columns)
            score, total, last, reads = (scalar[source][place] for scalar in scalars)
            ranked.append(
                Hypothesis(
                    tokens=tuple(tokens[: reads - 1]) + end,
                    token_log_probabilities=tuple(log_probs[: reads - 1]) + (last,) * len(end),
                    score=score,
                    log_probability=total,
                    finished=bool(end),
                    slots=tuple(slots[:reads]) if live.recording else None,
                )
            )
        found.append(tuple(ranked))
    return found


def _lists(steps: Tensor) -> list[Any]:
    """`[t b k]` as lists, source by source and hypothesis by hypothesis."""
    listed: list[Any] = steps.permute(1, 2, 0).tolist()
    return listed
