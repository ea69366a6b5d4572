"""How far a run has come, for a progress display."""

from __future__ import annotations

from dataclasses import dataclass

from weft.training.loop import Loop


@dataclass(frozen=True)
class Status:
    """What a progress display wants to know after an update."""

    step: int
    steps: int
    loss: float
    """Negative log-likelihood per target token since the last line of the log, in nats."""
    learning_rate: float
    tokens_per_second: float
    """Real source and target tokens, all processes together; looks at the development set are not timed."""
    seconds_left: float
    scores: dict[str, float]
    """Of the latest look at the development set; empty before the first."""


def status_of(loop: Loop, scores: dict[str, float]) -> Status:
    """Where the loop stands after an update, before its sums are logged."""
    progress, steps = loop.progress, loop.config.steps
    seconds = max(progress.seconds, 1e-9)
    return Status(
        step=progress.step,
        steps=steps,
        loss=progress.likelihood_sum / max(progress.target_tokens, 1),
        learning_rate=loop.learning_rate(),
        tokens_per_second=progress.tokens / seconds,
        seconds_left=(steps - progress.step) * seconds / max(progress.step, 1),
        scores=scores,
    )
