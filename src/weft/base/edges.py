"""Which target tokens of a batch came from which source tokens: a flat list; no table of all pairs is formed."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from weft.base.errors import ShapeError
from weft.base.shapes import Float, Int, Tensor

NO_WORD = -1
"""The source of a token that came from no source word."""


@dataclass(frozen=True)
class Edges:
    """Edge m says that token `target[m]` of row `row[m]` came from source token `source[m]`, with weight `weight[m]`.

    Places are counted from 0 among the tokens of a row without specials; a source of -1 is no word. The weights of the
    edges of one target token sum to 1; a token without edges is one that nobody says anything of.
    """

    row: Int[Tensor, "_"]
    target: Int[Tensor, "_"]
    source: Int[Tensor, "_"]
    weight: Float[Tensor, "_"]

    def __post_init__(self) -> None:
        lengths = [len(column) for column in (self.row, self.target, self.source, self.weight)]
        if len(set(lengths)) != 1:
            raise ShapeError(
                f"row, target, source and weight must be of one length, got {lengths}; give one of each an edge"
            )

    def __len__(self) -> int:
        return len(self.row)

    @classmethod
    def none(cls) -> Edges:
        """No edge at all."""
        nowhere = torch.zeros(0, dtype=torch.long)
        return cls(nowhere, nowhere, nowhere, torch.zeros(0))

    def to(self, device: torch.device | str) -> Edges:
        return Edges(self.row.to(device), self.target.to(device), self.source.to(device), self.weight.to(device))
