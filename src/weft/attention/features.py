"""Feature maps that make a product of what softmax makes an exponential, so that keys can be summed up beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F

from weft.base.shapes import Float, Tensor


@runtime_checkable
class Features(Protocol):
    """Two maps to non-negative features, at least float32; a weight is their product over the sum of all products."""

    def of_queries(self, q: Float[Tensor, "*b k"], scale: float) -> Float[Tensor, "*b m"]:
        """Features of queries; a factor of a whole query does not matter."""
        ...

    def of_keys(self, k: Float[Tensor, "*b k"], scale: float) -> Float[Tensor, "*b m"]:
        """Features of keys, comparable over all keys that there will ever be."""
        ...


@dataclass(frozen=True)
class Elu:
    """elu(x) + 1 (Katharopoulos et al. 2020, equation 7); what scores are scaled by means nothing here."""

    def of_queries(self, q: Tensor, scale: float) -> Tensor:
        return F.elu(_wide(q)) + 1

    def of_keys(self, k: Tensor, scale: float) -> Tensor:
        return F.elu(_wide(k)) + 1


@dataclass(frozen=True)
class Favor:
    """Positive orthogonal random features (Choromanski et al. 2021, "Rethinking Attention with Performers", lemma 1).

    exp(w x - |x|^2 / 2) for `num` directions w, with x the query or key times the root of the scale: an estimate of
    softmax without bias, whose variance grows with the lengths of queries and keys. `seed` draws the directions.
    """

    num: int = 64
    seed: int = 0

    def of_queries(self, q: Tensor, scale: float) -> Tensor:
        exponents = self._exponents(q, scale)
        return (exponents - exponents.detach().amax(-1, keepdim=True)).exp()

    def of_keys(self, k: Tensor, scale: float) -> Tensor:
        # No largest is taken off: w x - |x|^2 / 2 is at most |w|^2 / 2, so nothing overflows, and sums can grow.
        return self._exponents(k, scale).exp()

    def _exponents(self, x: Tensor, scale: float) -> Float[Tensor, "*b m"]:
        x = _wide(x) * scale**0.5
        return x @ directions(x.shape[-1], self.num, self.seed).to(x).T - x.square().sum(-1, keepdim=True) / 2


@lru_cache(maxsize=64)
def directions(width: int, num: int, seed: int) -> Float[Tensor, "m k"]:
    """Random directions, orthogonal in stretches of `width`, as long as normal ones would be."""
    random = torch.Generator().manual_seed(seed)
    blocks = [
        torch.linalg.qr(torch.randn(width, width, generator=random, dtype=torch.float64)).Q
        for _ in range(-(-num // width))
    ]
    lengths = torch.randn(num, width, generator=random, dtype=torch.float64).norm(dim=-1, keepdim=True)
    return torch.cat(blocks)[:num] * lengths


def _wide(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))
