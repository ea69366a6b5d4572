"""What every layer and head of a model read, with labels; how spread a row of it is, and how much a column was read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from weft.alignment.settings import AlignmentSettings
from weft.base.errors import ShapeError
from weft.base.shapes import Float, Tensor


@dataclass(frozen=True)
class Heat:
    """What every layer and head read, `[l h t s]`, with a label a row (the decoder's input) and a column (the source).

    `chosen` marks the heads that the alignment was read from. `words` `[l h j i]`, if given, is the same as shares of
    words, read by the same rule as the links. A page holds all weights: about 3 bytes each.
    """

    weights: Float[Tensor, "l h t s"]
    rows: Sequence[str]
    columns: Sequence[str]
    chosen: AlignmentSettings | None = None
    words: Float[Tensor, "l h j i"] | None = None

    def __post_init__(self) -> None:
        wanted = [len(self.rows), len(self.columns)]
        if self.weights.ndim != 4 or list(self.weights.shape[2:]) != wanted:
            raise ShapeError(
                f"weights must be [l h t s] with t, s = {wanted}, one label a row and a column, "
                f"got {list(self.weights.shape)}; cut weights and labels to the same tokens"
            )
        if self.words is not None and self.words.shape[:2] != self.weights.shape[:2]:
            raise ShapeError(
                f"words must be of the same [l h] = {list(self.weights.shape[:2])} as weights, "
                f"got {list(self.words.shape[:2])}; read both from the same layers and heads"
            )


def entropy(weights: Float[Tensor, "*l t s"]) -> Float[Tensor, "*l t"]:
    """How spread each row is, in nats; what a row lacks of 1 counts as one more place that was read.

    Its exponential is over how many places the row spreads if it spread evenly: 1 for a row that read one word.
    """
    shares = weights.double()
    rest = (1 - shares.sum(-1)).clamp(min=0)
    return -(shares.xlogy(shares).sum(-1) + rest.xlogy(rest))


def coverage(weights: Float[Tensor, "*l t s"]) -> Float[Tensor, "*l s"]:
    """How much each column was read, over all rows: 1 is as much as one target word can read."""
    return weights.double().sum(-2)
