"""What was written, as one token and one back-pointer a step and hypothesis; read backwards once, at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from weft.base.shapes import Float, Int, Tensor


def dense(steps: Sequence[Tensor], rows: Sequence[Int[Tensor, " _"]], num_sources: int) -> Tensor:
    """Steps of `[m n]`, each for its own rows, as one `[t b n]` on the CPU; 0 where a source had left the batch."""
    if all(len(step) == num_sources for step in steps):
        return torch.stack(list(steps)).cpu()
    whole = steps[0].new_zeros(len(steps), num_sources, steps[0].shape[1], device="cpu")
    for time, (step, chosen) in enumerate(zip(steps, rows, strict=False)):
        whole[time, chosen] = step.cpu()
    return whole


@dataclass(frozen=True)
class Traced:
    """Paths read backwards: tokens written and their log-probabilities, and the slots that read them."""

    tokens: Int[Tensor, "t b k"]
    log_probs: Float[Tensor, "t b k"]
    slots: Int[Tensor, "t1 b k"]


@dataclass
class History:
    """For each step, what each slot wrote `[m n]`, its log-probability, and the slot that it continues."""

    tokens: list[Tensor] = field(default_factory=list)
    parents: list[Tensor] = field(default_factory=list)
    log_probs: list[Tensor] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.tokens)

    def append(self, tokens: Int[Tensor, "m n"], parents: Int[Tensor, "m n"], log_probs: Float[Tensor, "m n"]) -> None:
        self.tokens.append(tokens)
        self.parents.append(parents)
        self.log_probs.append(log_probs)

    def trace(
        self, slots: Int[Tensor, "b k"], reads: Int[Tensor, "b k"], rows: Sequence[Int[Tensor, " _"]], *, since: int = 0
    ) -> Traced:
        """The paths, from step `since` on, of hypotheses that took `reads` steps, the last in `slots`; CPU tensors.

        `rows[t]` are the sources of step t. A hypothesis has written `reads - 1` tokens; what follows them is noise.
        """
        tokens, parents, log_probs = (
            dense(steps[since:], rows[since:], len(slots)) for steps in (self.tokens, self.parents, self.log_probs)
        )
        paths = torch.empty(len(tokens) + 1, *slots.shape, dtype=torch.long)
        for time in reversed(range(len(tokens))):
            paths[time + 1] = slots
            slots = torch.where(since + time < reads - 1, parents[time].gather(1, slots), slots)
        paths[0] = slots
        return Traced(tokens.gather(2, paths[1:]), log_probs.gather(2, paths[1:]), paths)
