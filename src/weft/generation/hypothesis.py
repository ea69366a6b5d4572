"""What a search returns: for each source, written sequences with their probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from weft.base.shapes import Float, Int, Tensor

Total = TypeVar("Total", float, Tensor)


@dataclass(frozen=True)
class Hypothesis:
    """One target sequence.

    `tokens` has no start token, and ends with `</s>` if `finished`; a hypothesis cut at the length limit does not.
    `token_log_probabilities` are the model's own (natural log), one a token, before any ban, temperature or cut;
    forced tokens count like all others. `score` = `log_probability` / len(tokens) ** length_penalty ranks hypotheses.
    Settings may say otherwise: that some tokens are given at no cost, that a prefix is not in the length, or that
    log-probabilities are normalised again.

    `slots` is there when the search was given a `record`, else None. `slots[t]` is the beam slot in which the decoder's
    *input* token of step t stood: the start token at step 0, `tokens[t - 1]` at step t. There is one entry for each
    token that was read. `</s>` is never read, so a finished hypothesis has len(tokens) entries; every token of a cut
    hypothesis is read (a further step is run for the last one), so it has len(tokens) + 1 entries. Either way the row
    recorded where token i is the input is row `slots[i + 1]` of step i + 1, for every token but `</s>`.
    """

    tokens: tuple[int, ...]
    token_log_probabilities: tuple[float, ...]
    score: float
    log_probability: float
    finished: bool
    slots: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Result:
    """The hypotheses of each source, best first, finished ones before cut ones, and which sources each step read.

    `rows[t]` holds the indices of the sources that were still in the batch at step t, in batch order: source b is
    row i of step t's recorded queries where `rows[t][i] == b`. There is always a hypothesis, unless the model itself
    gives probability 0 to every way on.
    """

    hypotheses: tuple[tuple[Hypothesis, ...], ...]
    rows: tuple[Int[Tensor, " _"], ...]

    @property
    def best(self) -> tuple[Hypothesis, ...]:
        """The best hypothesis of each source."""
        return tuple(ranked[0] for ranked in self.hypotheses)


def length_normalised(total: Total, length: int, alpha: float) -> Total:
    """What ranks hypotheses of `length` tokens: their summed log-probability / length ** alpha."""
    return total / float(length**alpha)


def normalised(total: Float[Tensor, "m n"], lengths: Int[Tensor, " m"], alpha: float) -> Float[Tensor, "m n"]:
    """The same where each source has a length of its own."""
    return total / (lengths[:, None].double() ** alpha).to(total.dtype)
