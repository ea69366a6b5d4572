"""What cross-attention reads: keys and values of its own, or the encoder's states, of which all layers share one copy.

A score is q_h (W_k^h x + b_k^h) = (q_h W_k^h) x + q_h b_k^h. With the matrix on the query's side the keys are the
states themselves, whatever layer and head asks, and the last term, the same for every key, is nothing to a softmax. A
context is sum_j a_j (W_v^h x_j + b_v^h) = W_v^h (sum_j a_j x_j) + b_v^h: one mean of states is projected, and only of
those that are read (Bertsch et al. 2023, "Unlimiformer", section 2.3).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from weft.attention.masks import Mask
from weft.attention.protocol import Backend, KeyValues
from weft.attention.unpadded import real_lengths
from weft.base.errors import ShapeError
from weft.base.shapes import Float, Tensor


@dataclass(frozen=True)
class ScoredNull:
    """A score of "no word" for one head that is known for every query."""

    head: int
    known: Float[Tensor, "b t"]

    def scores(self, query: Tensor, scale: float | None) -> Float[Tensor, "b t"]:
        return self.known


@dataclass(frozen=True)
class SharedIndex:
    """One layer's way to states that others read, too: its key and value projections, taken to the query's side."""

    keys: Float[Tensor, "g k d"]
    values: Float[Tensor, "g e d"]
    key_bias: Float[Tensor, "g k"]
    value_bias: Float[Tensor, "g e"]

    @staticmethod
    def of(weight: Float[Tensor, "r d"], bias: Tensor | None, groups: int, widths: list[int]) -> SharedIndex:
        """From the rows of a projection to keys and values of all key heads."""
        flat = weight.new_zeros(len(weight)) if bias is None else bias
        keys, values = (torch.unflatten(part, 0, (groups, -1)) for part in torch.split(weight, widths))
        key_bias, value_bias = (torch.unflatten(part, 0, (groups, -1)) for part in torch.split(flat, widths))
        return SharedIndex(keys, values, key_bias, value_bias)

    def queries(self, q: Float[Tensor, "b h t k"]) -> Float[Tensor, "b h t d"]:
        """Queries of states: q_h W_k^h."""
        grouped = torch.unflatten(q, 1, (len(self.keys), -1))
        return torch.einsum("bgrtk,gkd->bgrtd", grouped, self.keys).flatten(1, 2)

    def context(self, mean: Float[Tensor, "b h t d"], memory: KeyValues) -> Float[Tensor, "b h t e"]:
        """What a mean of states says to each head; 0 where there was nothing to read."""
        grouped = torch.unflatten(mean, 1, (len(self.values), -1))
        context = torch.einsum("bgrtd,ged->bgrte", grouped, self.values) + self.value_bias[:, None, None]
        empty = (real_lengths(memory) == 0)[:, None, None, None]
        return context.flatten(1, 2).masked_fill(empty, 0.0)

    def null(self, head: int, known: Float[Tensor, "b t"], q: Float[Tensor, "b h t k"], scale: float) -> ScoredNull:
        """A known score of "no word" that competes with scores of states, which lack what keys have from their bias."""
        key_bias = self.key_bias[head * len(self.keys) // q.shape[1]]
        return ScoredNull(head, known - (q[:, head].to(known.dtype) @ key_bias.to(known.dtype)) * scale)


def prepare_shared(states: Float[Tensor, "b s d"], mask: Mask, backend: Backend) -> KeyValues:
    """States as keys and values of one head, without a copy where there is no padding to be silenced."""
    states_b1sd = states[:, None]
    return backend.prepare(states_b1sd, states_b1sd, mask=mask)


def check_shared(memory: KeyValues, width: int, site: str) -> None:
    """Raise ShapeError for a memory that is none of states."""
    if memory.k.shape[1] != 1 or memory.k.shape != memory.v.shape or memory.k.shape[3] != width:
        raise ShapeError(
            f"{site} reads a shared index and wants encoder states [b 1 s d] with d = {width}, got keys "
            f"{list(memory.k.shape)} and values {list(memory.v.shape)}; encode the source with attention 'top-k-shared'"
        )
