"""How far a key stands from a query, as a bias on scores: learned for each head and each bucket of distances."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from weft.base.errors import ConfigError
from weft.base.shapes import Float, Int, Tensor


@dataclass(frozen=True)
class Buckets:
    """Distances put together: near ones each on their own, farther ones in ever wider buckets, all beyond in the last.

    `both_ways`: keys before and after a query have half of the buckets each; else keys after it count as distance 0.
    """

    count: int
    farthest: int
    both_ways: bool

    def __post_init__(self) -> None:
        exact = self.count // 2 // (2 if self.both_ways else 1)
        if exact < 1 or self.farthest <= exact:
            raise ConfigError(
                f"relative positions want at least {4 if self.both_ways else 2} buckets and a farthest distance above "
                f"{exact}, got {self.count} and {self.farthest}; set relative_buckets and relative_distance"
            )

    def of(self, queries: Int[Tensor, " t"], keys: Int[Tensor, " s"]) -> Int[Tensor, "t s"]:
        """The bucket of each pair of positions (Raffel et al. 2020, section 2.1)."""
        ahead_ts = keys[None] - queries[:, None]
        if not self.both_ways:
            return self._one_way(-ahead_ts.clamp(max=0), self.count)
        half = self.count // 2
        return self._one_way(ahead_ts.abs(), half) + half * (ahead_ts > 0)

    def _one_way(self, distance: Int[Tensor, "t s"], count: int) -> Int[Tensor, "t s"]:
        exact = count // 2
        wide = torch.log(distance.clamp(min=exact).float() / exact) / math.log(self.farthest / exact) * (count - exact)
        return torch.where(distance < exact, distance, (exact + wide.long()).clamp(max=count - 1))


class RelativeBias(nn.Module):
    """A bias `[1 h t s]` for each layer, from one table for all layers or a table each."""

    def __init__(self, num_layers: int, num_heads: int, buckets: Buckets, *, shared: bool) -> None:
        super().__init__()
        self.num_layers, self.buckets = num_layers, buckets
        tables = 1 if shared else num_layers
        self.tables = nn.ModuleList([nn.Embedding(buckets.count, num_heads) for _ in range(tables)])

    def forward(self, queries: Int[Tensor, " t"], keys: Int[Tensor, " s"]) -> Sequence[Float[Tensor, "1 h t s"] | None]:
        buckets_ts = self.buckets.of(queries, keys)
        biases = [table(buckets_ts).permute(2, 0, 1)[None] for table in self.tables]  # t s h -> 1 h t s
        return biases if len(biases) == self.num_layers else biases * self.num_layers


class NoBias(nn.Module):
    """No layer has a bias."""

    def __init__(self, num_layers: int) -> None:
        super().__init__()
        self.num_layers = num_layers

    def forward(self, queries: Int[Tensor, " t"], keys: Int[Tensor, " s"]) -> Sequence[Float[Tensor, "1 h t s"] | None]:
        return [None] * self.num_layers
