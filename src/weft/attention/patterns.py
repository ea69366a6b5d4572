"""Patterns of self-attention that does not look everywhere, so that reading a source costs what its length costs.

A pattern goes by absolute positions alone, never by the length of a source: padding and batches change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch

from weft.attention.masks import Links, Mask
from weft.base.errors import ConfigError
from weft.base.shapes import Bool, Int, Tensor

_FEWEST = 32
"""Queries of a stretch at least: fewer are not worth a call of their own."""
_MIX = (2654435761, 40503, 0x7FFFFFFF)


@runtime_checkable
class Pattern(Protocol):
    """Who sees whom, and where the keys of neighbouring queries lie."""

    @property
    def stretch(self) -> int:
        """How many queries, from a multiple of it on, are read together."""
        ...

    @property
    def num_global(self) -> int:
        """How many first positions see everything and are seen by all."""
        ...

    def sees(self, queries: Int[Tensor, "*t"], keys: Int[Tensor, "*s"]) -> Bool[Tensor, "..."]:
        """Whether the query at one position sees the key at another; the two broadcast."""
        ...

    def keys_near(self, first: Int[Tensor, " n"]) -> Int[Tensor, "n m"]:
        """Every key, each once, that queries of the stretches from these positions on may see; negative: none.

        Of queries that are global it says nothing. Keys may lie beyond the end of the source.
        """
        ...


@dataclass(frozen=True)
class Around:
    """A window of `width` positions before and after each, and `num_global` first tokens (Beltagy et al. 2020).

    "Longformer: The Long-Document Transformer", section 3.1, https://arxiv.org/abs/2004.05150. Global tokens have no
    projections of their own.
    """

    width: int
    num_global: int = 0

    def __post_init__(self) -> None:
        if self.width < 0 or self.num_global < 0:
            raise ConfigError(
                f"a window wants a width and global tokens of at least 0, got {self.width} and {self.num_global}"
            )

    @property
    def stretch(self) -> int:
        return max(self.width, _FEWEST)

    def sees(self, queries: Tensor, keys: Tensor) -> Tensor:
        near = (keys - queries).abs() <= self.width
        return near if not self.num_global else near | (keys < self.num_global) | (queries < self.num_global)

    def keys_near(self, first: Tensor) -> Tensor:
        window = torch.arange(-self.width, self.stretch + self.width, device=first.device)
        keys_nm = first[:, None] + window
        return _with_global(keys_nm, self.num_global)


@dataclass(frozen=True)
class Blocks:
    """Blocks of `size` positions that see whole blocks: the nearest, the first, and some drawn (Zaheer et al. 2020).

    "Big Bird: Transformers for Longer Sequences", section 2, https://arxiv.org/abs/2007.14062. There blocks are drawn
    from all of the source; here from those before the `near` ones, by a sum over block numbers that never changes, so
    that a longer source draws the same. What lies far behind reaches a block through the global ones.
    """

    size: int
    near: int = 1
    global_blocks: int = 1
    drawn: int = 1

    def __post_init__(self) -> None:
        if self.size < 1 or min(self.near, self.global_blocks, self.drawn) < 0:
            raise ConfigError(
                "blocks want a size of at least 1, and near, global and drawn ones of at least 0, got "
                f"{self.size}, {self.near}, {self.global_blocks} and {self.drawn}"
            )

    @property
    def stretch(self) -> int:
        return self.size

    @property
    def num_global(self) -> int:
        return self.global_blocks * self.size

    def sees(self, queries: Tensor, keys: Tensor) -> Tensor:
        block, other = queries.div(self.size, rounding_mode="floor"), keys.div(self.size, rounding_mode="floor")
        seen = (block - other).abs() <= self.near
        if self.global_blocks:
            seen = seen | (block < self.global_blocks) | (other < self.global_blocks)
        for number in range(self.drawn):
            seen = seen | (other == self._draw(block, number))
        return seen

    def keys_near(self, first: Tensor) -> Tensor:
        block = first.div(self.size, rounding_mode="floor")
        near_nm = block[:, None] + torch.arange(-self.near, self.near + 1, device=first.device)
        drawn_nm = [self._draw(block, number) for number in range(self.drawn)]
        for number in range(1, self.drawn):  # the same block drawn again is read once
            again = torch.stack([drawn_nm[number] == earlier for earlier in drawn_nm[:number]]).any(0)
            drawn_nm[number] = drawn_nm[number].masked_fill(again, -1)
        blocks_nm = torch.cat([near_nm, *(one[:, None] for one in drawn_nm)], 1)
        inside = torch.arange(self.size, device=first.device)
        keys_nm = (blocks_nm[:, :, None] * self.size + inside).masked_fill(blocks_nm[:, :, None] < 0, -1).flatten(1)
        return _with_global(keys_nm, self.num_global)

    def _draw(self, block: Int[Tensor, "*n"], number: int) -> Int[Tensor, "*n"]:
        """The drawn block of this number for each block, never a near or global one; -1 where there is no other."""
        room = block - self.near - self.global_blocks
        mixed = (block * _MIX[0] + (number + 1) * _MIX[1]) & _MIX[2]
        mixed = (mixed ^ (mixed >> 15)) * _MIX[1] & _MIX[2]
        return torch.where(room > 0, self.global_blocks + mixed % room.clamp_min(1), -1)


@dataclass(frozen=True)
class Along(Mask):
    """A query may attend to the keys that it sees by a pattern."""

    pattern: Pattern

    def dense(self, queries: Tensor, keys: Tensor) -> Tensor:
        return self.pattern.sees(queries[:, None], keys[None, :])[None, None]

    def at(self, links: Links) -> Tensor:
        return self.pattern.sees(links.query + links.start, links.key)

    def same_for_all_queries(self) -> bool:
        return False


def _with_global(keys: Int[Tensor, "n m"], num_global: int) -> Int[Tensor, "n all"]:
    """The keys with those that all see before them; none twice."""
    everywhere = torch.arange(num_global, device=keys.device).expand(len(keys), -1)
    return torch.cat([everywhere, keys.masked_fill(keys < num_global, -1)], 1)
