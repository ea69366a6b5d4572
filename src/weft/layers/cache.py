"""What self-attention remembers while stepping: written once, never copied when beams change places.

Every hypothesis writes its key and value into its own slot of the current step. A hypothesis that continues another one
does not copy the other's past: an ancestor table remembers which slot of each step belongs to its history, and the
table alone is reordered. All slots are keys of one attention call, in which hypotheses are the queries and the table
is the mask.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from weft.attention.masks import Arbitrary, Full, Mask
from weft.attention.protocol import Backend, KeyValues
from weft.base.errors import ShapeError
from weft.base.shapes import Bool, Float, Int, Tensor


@dataclass(frozen=True)
class History:
    """Keys `[b g c n k]` and values `[b g c n e]` of one layer, for c steps (the capacity) of n hypotheses."""

    k: Float[Tensor, "b g c n k"]
    v: Float[Tensor, "b g c n e"]

    def select(self, rows: Int[Tensor, " m"]) -> History:
        return History(self.k[rows], self.v[rows])


@dataclass(frozen=True)
class Ancestors:
    """Which slot of each past step belongs to each hypothesis: `slots` `[b n c]`, of which `length` steps are used."""

    slots: Int[Tensor, "b n c"]
    length: int

    @staticmethod
    def empty(num_sources: int, beam: int, capacity: int, device: torch.device) -> Ancestors:
        return Ancestors(torch.zeros(num_sources, beam, capacity, dtype=torch.long, device=device), 0)

    def advance(self) -> Ancestors:
        """One more step, in which every hypothesis stands in its own slot."""
        _, beam, capacity = self.slots.shape
        if self.length == capacity:
            raise ShapeError(f"the cache holds {capacity} steps and all are used; ask for a larger capacity")
        if beam > 1:  # a single slot is 0 from the start
            self.slots[:, :, self.length] = torch.arange(beam, device=self.slots.device)
        return Ancestors(self.slots, self.length + 1)

    def check(self, what: str, x: Tensor) -> None:
        """Raise ShapeError unless something said of every hypothesis is `[b n]`."""
        if x.shape != self.slots.shape[:2]:
            raise ShapeError(
                f"{what} must be [b n] = {list(self.slots.shape[:2])}, got {list(x.shape)}; "
                "give one for every hypothesis that init_cache made room for"
            )

    def reorder(self, parents: Int[Tensor, "b n"]) -> Ancestors:
        self.check("parents", parents)
        return replace(self, slots=self.slots.gather(1, parents[:, :, None].expand_as(self.slots)))

    def select(self, rows: Int[Tensor, " m"]) -> Ancestors:
        return replace(self, slots=self.slots[rows])

    def positions(self) -> Int[Tensor, " s"]:
        """The position of each key: that of its step, in every slot."""
        _, beam, _ = self.slots.shape
        places = torch.arange(self.length * beam, device=self.slots.device)
        return places if beam == 1 else places // beam

    def mask(self) -> Mask:
        """Hypotheses as queries, the slots of all steps as keys: `[b 1 n length*n]`."""
        beam = self.slots.shape[1]
        if beam == 1:
            return Full()
        own: Bool[Tensor, "b n c n"] = self.slots[:, :, : self.length, None] == torch.arange(
            beam, device=self.slots.device
        )
        return Arbitrary(own.flatten(2)[:, None], alive=True)  # each has its own past


@dataclass(frozen=True)
class Fresh:
    """Self-attention over a whole sequence at once: nothing remembered, one mask, perhaps a bias on scores."""

    mask: Mask
    bias: Float[Tensor, "1 h t s"] | None = None

    def extend(self, k: Tensor, v: Tensor, backend: Backend) -> KeyValues:
        return backend.prepare(k, v, mask=self.mask, bias=self.bias)


@dataclass(frozen=True)
class Stepping:
    """Self-attention of one step: new keys and values `[b g n k]` join the history of their layer."""

    history: History
    mask: Mask
    length: int
    bias: Float[Tensor, "1 h 1 s"] | None = None

    def extend(self, k: Tensor, v: Tensor, backend: Backend) -> KeyValues:
        history, length = self.history, self.length
        history.k[:, :, length - 1] = k
        history.v[:, :, length - 1] = v
        # [b g length n k] is a contiguous stretch of the buffer, so this is a view: nothing is copied.
        k_bgsk = history.k.narrow(2, 0, length).flatten(2, 3)
        v_bgse = history.v.narrow(2, 0, length).flatten(2, 3)
        return KeyValues(k_bgsk, v_bgse, self.mask, self.bias)
