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
from weft.base.errors import ConfigError, ShapeError
from weft.base.shapes import Bool, Float, Int, Tensor
from weft.layers.attention import Heads


@dataclass(frozen=True)
class History:
    """Keys `[b g columns k]` and values of one layer: `lead` columns that were there before (a prompt), then the slots
    of every step, one step behind the other."""

    k: Float[Tensor, "b g columns k"]
    v: Float[Tensor, "b g columns e"]
    lead: int = 0

    @staticmethod
    def room(like: Tensor, num_sources: int, columns: int, heads: Heads) -> History:
        """Memory for so many columns, in the numbers and on the device of `like`.

        What is never written is never taken, and most searches end far from their limit. Raises ConfigError where the
        system refuses even so.
        """
        try:
            k, v = (
                like.new_empty(num_sources, heads.num_groups, columns, width)
                for width in (heads.key_width, heads.value_width)
            )
        except RuntimeError as error:
            raise ConfigError(
                f"a search wants memory for the longest hypothesis it may write, got no room for {num_sources} sources "
                f"with {columns} tokens each (all hypotheses together); lower max_length or the beam"
            ) from error
        return History(k, v)

    def select(self, rows: Int[Tensor, " m"], ancestors: Ancestors) -> History:
        """The history of these sources. What no step has written yet is room: it is not copied, and takes no memory."""
        used = self.lead + ancestors.length * ancestors.own.shape[1]
        return History(_copied(self.k, rows, used), _copied(self.v, rows, used), self.lead)


@dataclass(frozen=True)
class Ancestors:
    """Whose past is whose: `own[b, i, s, j]` says that hypothesis i continues what slot j wrote at step s.

    `length` steps of at most `capacity` are used; a single hypothesis needs no table, and has an empty one.
    """

    own: Bool[Tensor, "b n s n"]
    length: int
    capacity: int

    @staticmethod
    def empty(num_sources: int, beam: int, capacity: int, device: torch.device) -> Ancestors:
        return Ancestors(torch.empty(num_sources, beam, 0, beam, dtype=torch.bool, device=device), 0, capacity)

    @property
    def beam(self) -> int:
        """How many hypotheses each source has."""
        return self.own.shape[1]

    def advance(self) -> Ancestors:
        """One more step, in which every hypothesis stands in its own slot."""
        if self.length == self.capacity:
            raise ShapeError(f"the cache holds {self.capacity} steps and all are used; ask for a larger capacity")
        b, beam = self.own.shape[:2]
        if beam == 1:
            return replace(self, length=self.length + 1)
        each = torch.eye(beam, dtype=torch.bool, device=self.own.device)[:, None].expand(b, -1, -1, -1)
        return replace(self, own=torch.cat((self.own, each), 2), length=self.length + 1)

    def check(self, what: str, x: Tensor) -> None:
        """Raise ShapeError unless something said of every hypothesis is `[b n]`."""
        if x.shape != self.own.shape[:2]:
            raise ShapeError(
                f"{what} must be [b n] = {list(self.own.shape[:2])}, got {list(x.shape)}; "
                "give one for every hypothesis that init_cache made room for"
            )

    def reorder(self, parents: Int[Tensor, "b n"]) -> Ancestors:
        self.check("parents", parents)
        return replace(self, own=self.own.gather(1, parents[:, :, None, None].expand_as(self.own)))

    def select(self, rows: Int[Tensor, " m"]) -> Ancestors:
        return replace(self, own=self.own[rows])

    def positions(self) -> Int[Tensor, " s"]:
        """The position of each key: that of its step, in every slot."""
        _, beam, _, _ = self.own.shape
        places = torch.arange(self.length * beam, device=self.own.device)
        return places if beam == 1 else places // beam

    def mask(self) -> Mask:
        """Hypotheses as queries, the slots of all steps as keys: `[b 1 n length*n]`."""
        if self.own.shape[1] == 1:
            return Full()
        return Arbitrary(self.own.flatten(2)[:, None], alive=True)  # each has its own past


def _copied(x: Tensor, rows: Int[Tensor, " m"], used: int) -> Tensor:
    found = x.new_empty(len(rows), *x.shape[1:])
    found[:, :, :used] = x[:, :, :used][rows]
    return found


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
        history, n = self.history, k.shape[2]
        end = self.end(n)
        history.k.narrow(2, end - n, n).copy_(k)
        history.v.narrow(2, end - n, n).copy_(v)
        return self.read(n)

    def end(self, n: int) -> int:
        """The column behind those that n hypotheses write in this step."""
        return self.history.lead + self.length * n

    def read(self, n: int) -> KeyValues:
        """What n hypotheses read when their own keys and values are in their places: views, nothing is copied."""
        k, v = (each.narrow(2, 0, self.end(n)) for each in (self.history.k, self.history.v))
        return KeyValues(k, v, self.mask, self.bias)
