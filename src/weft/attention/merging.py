"""The algebra of log-sum-exp: attention to parts of a source, put together as if it had been read at once."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from weft.base.shapes import Float, Tensor


@dataclass(frozen=True)
class Part:
    """What queries got from some of the keys: a context, and the log of the sum of exp of those keys' scores.

    Both at least float32. A query that may attend to none of them has context 0 and log sum -inf.
    """

    context: Float[Tensor, "b h t e"]
    log_sum: Float[Tensor, "b h t"]

    def with_(self, other: Part) -> Part:
        """Both parts as one; keys of one may not be keys of the other.

        o = e^(L1 - L) o1 + e^(L2 - L) o2 with L = log(e^L1 + e^L2); e^(L1 - L) is the mass on the first.
        """
        log_sum = _log_add(self.log_sum, other.log_sum)
        context = self.context * mass(self.log_sum, log_sum)[..., None]
        return Part(context + other.context * mass(other.log_sum, log_sum)[..., None], log_sum)


def mass(part: Float[Tensor, "*b"], whole: Float[Tensor, "*b"]) -> Float[Tensor, "*b"]:
    """The share of the weights that falls on a part, from the log sums of it and of the whole; 0 in a dead row."""
    dead = part == -torch.inf
    return (part.masked_fill(dead, 0.0) - whole.masked_fill(dead, 0.0)).exp().masked_fill(dead, 0.0)


def _log_add(one: Tensor, other: Tensor) -> Tensor:
    """log(e^one + e^other), without the NaN that torch's gradient has where both are -inf."""
    dead = (one == -torch.inf) & (other == -torch.inf)
    found = torch.logaddexp(one.masked_fill(dead, 0.0), other.masked_fill(dead, 0.0))
    return found.masked_fill(dead, -torch.inf)
