"""Small problems for the exact readings of attention: queries, a memory, and the dense truth beside them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from weft.attention import Arbitrary, Causal, Full, Fused, KeyValues, Mask, Padding, Window

B, H, G, T, S, K, E = 2, 6, 3, 5, 17, 11, 13
MASKS: dict[str, Mask] = {
    "full": Full(),
    "padding": Padding(torch.arange(S) < torch.tensor([[11], [3]])),
    "dead": Padding(torch.arange(S) < torch.tensor([[11], [0]])),
    "causal": Causal(),
    "window": Window(1),
    "padding&causal": Padding(torch.arange(S) >= torch.tensor([[2], [0]])) & Causal(),
    "one row for all": Arbitrary(torch.rand(B, H, 1, S, generator=torch.Generator().manual_seed(3)) < 0.4),
    "arbitrary": Arbitrary(torch.rand(B, H, T, S, generator=torch.Generator().manual_seed(5)) < 0.2),
}
BIASES = ("none", "of keys", "of queries")


@dataclass(frozen=True)
class Problem:
    """Queries and memory in some dtype; the dense truth of them is in float64."""

    q: Tensor
    memory: KeyValues
    start: int = 1
    scale: float = 0.4

    @property
    def scores(self) -> Tensor:
        """Dense scores `[b h t s]`, -inf where hidden, in float64."""
        k = self.memory.k.double().repeat_interleave(self.q.shape[1] // self.memory.k.shape[1], 1)
        scores = torch.einsum("bhtk,bhsk->bhts", self.q.double(), k) * self.scale
        scores = scores if self.memory.bias is None else scores + self.memory.bias.double()
        t, s = scores.shape[2:]
        return scores.masked_fill(
            ~self.memory.mask.dense(torch.arange(self.start, self.start + t), torch.arange(s)), -torch.inf
        )

    @property
    def alive(self) -> Tensor:
        return (self.scores > -torch.inf).any(-1)

    @property
    def log_sums(self) -> Tensor:
        """Log normalisers, -inf for a dead row, which has no gradient."""
        alive = self.alive
        return self.scores.masked_fill(~alive[..., None], 0.0).logsumexp(-1).masked_fill(~alive, -torch.inf)

    @property
    def weights(self) -> Tensor:
        """Dense weights; a dead row is zero."""
        scores = self.scores.masked_fill(~self.alive[..., None], 0.0)
        return scores.softmax(-1).masked_fill(~self.alive[..., None], 0.0)

    def leaves(self) -> tuple[Tensor, Tensor]:
        return self.q, self.memory.k


def problem(mask: str = "full", bias: str = "none", dtype: torch.dtype = torch.float64, seed: int = 13) -> Problem:
    random = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=random, dtype=torch.float64).to(dtype)

    table = {"none": None, "of keys": draw(1, H, 1, S), "of queries": draw(B, 1, T, S)}[bias]
    if table is not None:
        table = table.masked_fill(torch.rand(table.shape, generator=random) < 0.2, -torch.inf)
    memory = Fused().prepare(draw(B, G, S, K), draw(B, G, S, E), mask=MASKS[mask], bias=table)
    return Problem(draw(B, H, T, K).requires_grad_(), replace(memory, k=memory.k.requires_grad_()))
