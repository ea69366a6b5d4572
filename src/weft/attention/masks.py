"""Masks as structures. True always means "may attend"; nothing is dense before a back end asks for it.

Positions are absolute: query row i of a call with `start` stands at position start + i, key column j at position j.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from weft.base.errors import ShapeError
from weft.base.shapes import Bool, Int, Shaped, Tensor

Shape = tuple[int | None, int | None, int | None, int]
"""The shape `[b h t s]` of scores; None where it is not known yet."""


@dataclass(frozen=True)
class Links:
    """Single places in the scores of one head: row of the batch, query of the call and key, one of each a link.

    `start` is the absolute position of the first query of the call.
    """

    row: Int[Tensor, " n"]
    query: Int[Tensor, " n"]
    key: Int[Tensor, " n"]
    start: int = 0

    def of(self, table: Shaped[Tensor, "#b 1 #t s"]) -> Shaped[Tensor, " n"]:
        """What a table over the scores of that head holds at these places; axes of 1 broadcast."""
        b, _, t, _ = table.shape
        row, query = (
            where if size > 1 else torch.zeros_like(where) for where, size in ((self.row, b), (self.query, t))
        )
        return table[row, 0, query, self.key]


class Mask(ABC):
    """Who may attend to whom."""

    @abstractmethod
    def dense(
        self, queries: Int[Tensor, " t"], keys: Int[Tensor, " s"]
    ) -> Bool[Tensor, "#b #h #t s"] | Bool[Tensor, "#b #h t s"]:
        """True where the query at an absolute position may attend to the key at another; axes of 1 broadcast."""

    def __and__(self, other: Mask) -> Mask:
        return Both(self, other).simplified()

    @abstractmethod
    def at(self, links: Links) -> Bool[Tensor, " n"]:
        """Whether each query of a list may attend to the key it is paired with: `dense`, read at single places."""

    @abstractmethod
    def same_for_all_queries(self) -> bool:
        """Whether every query of a row of the batch may attend to the same keys, whatever their positions."""

    def every_query_has_a_key(self) -> bool:
        """Whether that is known without looking; False: perhaps not."""
        return False

    def key_keep(self) -> Bool[Tensor, "b s"] | None:
        """Keys that at least some query may see, where that is known without looking at queries; else None."""
        return None

    def select(self, rows: Int[Tensor, " m"]) -> Mask:
        """The mask of these rows of the batch."""
        return self

    def cut(self, *, heads: Sequence[int] | None, rows: Sequence[int] | None, keys: slice) -> Mask:
        """The mask of some heads and query rows of a call and of a stretch of its keys; positions stay absolute."""
        return self

    def check(self, shape: Shape) -> None:  # noqa: B027 - most masks fit any shape
        """Raise ShapeError unless the mask fits scores of this shape."""


@dataclass(frozen=True)
class Full(Mask):
    """Everybody may attend to everything."""

    def dense(self, queries: Tensor, keys: Tensor) -> Tensor:
        return torch.ones(1, 1, 1, len(keys), dtype=torch.bool, device=keys.device)

    def at(self, links: Links) -> Tensor:
        return torch.ones_like(links.key, dtype=torch.bool)

    def same_for_all_queries(self) -> bool:
        return True


@dataclass(frozen=True)
class Causal(Mask):
    """A query may attend to keys at its own position and before."""

    def dense(self, queries: Tensor, keys: Tensor) -> Tensor:
        return (keys[None, :] <= queries[:, None])[None, None]

    def at(self, links: Links) -> Tensor:
        return links.key <= links.query + links.start

    def same_for_all_queries(self) -> bool:
        return False


@dataclass(frozen=True)
class Window(Mask):
    """A query at position p may attend to keys from p - before to p + after."""

    before: int
    after: int = 0

    def __post_init__(self) -> None:
        if self.before < 0 or self.after < 0:
            raise ShapeError(f"a window wants before >= 0 and after >= 0, got {self.before} and {self.after}")

    def dense(self, queries: Tensor, keys: Tensor) -> Tensor:
        distance = keys[None, :] - queries[:, None]
        return ((distance >= -self.before) & (distance <= self.after))[None, None]

    def at(self, links: Links) -> Tensor:
        distance = links.key - (links.query + links.start)
        return (distance >= -self.before) & (distance <= self.after)

    def same_for_all_queries(self) -> bool:
        return False


@dataclass(frozen=True)
class Padding(Mask):
    """Keys that are real: `keep` `[b s]`, True for a real key. Values at other keys are never read, NaN included.

    `alive` is what the maker knows: True if no row is without a key.
    """

    keep: Bool[Tensor, "b s"]
    alive: bool = False

    def __post_init__(self) -> None:
        if self.keep.dtype is not torch.bool or self.keep.dim() != 2:
            raise ShapeError(f"keep must be bool [b s], got {self.keep.dtype} {list(self.keep.shape)}")

    def dense(self, queries: Tensor, keys: Tensor) -> Tensor:
        self.check((None, None, len(queries), len(keys)))
        return self.keep[:, None, None, :]

    def at(self, links: Links) -> Tensor:
        return links.of(self.keep[:, None, None, :])

    def same_for_all_queries(self) -> bool:
        return True

    def every_query_has_a_key(self) -> bool:
        return self.alive

    def key_keep(self) -> Tensor | None:
        return self.keep

    def select(self, rows: Tensor) -> Mask:
        return self if len(self.keep) == 1 else Padding(self.keep[rows], self.alive)

    def cut(self, *, heads: Sequence[int] | None, rows: Sequence[int] | None, keys: slice) -> Mask:
        return Padding(self.keep[:, keys])

    def check(self, shape: Shape) -> None:
        if not broadcasts((*self.keep.shape,), (shape[0], shape[3])):
            raise ShapeError(
                f"keep must be [b s] = {written((shape[0], shape[3]), 'bs')}, got {list(self.keep.shape)}; "
                "pad source and mask together"
            )


def padding(keep: Bool[Tensor, "b s"]) -> Mask:
    """The mask of a batch: `Padding`, or `Full` where every key is real, which back ends need not read at all.

    On a CPU; elsewhere to ask would be to wait for the device.
    """
    if keep.device.type != "cpu":
        return Padding(keep)
    return Full() if bool(keep.all()) else Padding(keep, alive=bool(keep.any(1).all()))


@dataclass(frozen=True)
class Arbitrary(Mask):
    """Any table `[b|1 h|1 t|1 s]` of bools, read row by row: row i belongs to the i-th query of the call.

    `alive` is what the maker knows: True if no row is without a key.
    """

    allowed: Bool[Tensor, "#b #h #t s"]
    alive: bool = False

    def __post_init__(self) -> None:
        if self.allowed.dtype is not torch.bool or self.allowed.dim() != 4:
            raise ShapeError(
                f"allowed must be bool [b|1 h|1 t|1 s], got {self.allowed.dtype} {list(self.allowed.shape)}"
            )

    def dense(self, queries: Tensor, keys: Tensor) -> Tensor:
        self.check((None, None, len(queries), len(keys)))
        return self.allowed

    def at(self, links: Links) -> Tensor:
        return links.of(self.allowed)

    def same_for_all_queries(self) -> bool:
        return self.allowed.shape[2] == 1

    def every_query_has_a_key(self) -> bool:
        return self.alive

    def key_keep(self) -> Tensor | None:
        return self.allowed.any(2).any(1)  # b|1 h|1 t|1 s -> b|1 s

    def select(self, rows: Tensor) -> Mask:
        return self if self.allowed.shape[0] == 1 else replace(self, allowed=self.allowed[rows])

    def cut(self, *, heads: Sequence[int] | None, rows: Sequence[int] | None, keys: slice) -> Mask:
        return Arbitrary(pick(self.allowed[..., keys], heads, rows))

    def check(self, shape: Shape) -> None:
        if not broadcasts((*self.allowed.shape,), shape):
            raise ShapeError(
                f"allowed must be [b|1 h|1 t|1 s] = {written(shape, 'bhts')}, got {list(self.allowed.shape)}; "
                "give one row a query, or one for all"
            )


@dataclass(frozen=True)
class Both(Mask):
    """What both masks allow."""

    left: Mask
    right: Mask

    def simplified(self) -> Mask:
        """The same mask without parts that allow everything."""
        if isinstance(self.left, Full):
            return self.right
        return self.left if isinstance(self.right, Full) else self

    def dense(self, queries: Tensor, keys: Tensor) -> Tensor:
        return self.left.dense(queries, keys) & self.right.dense(queries, keys)

    def at(self, links: Links) -> Tensor:
        return self.left.at(links) & self.right.at(links)

    def same_for_all_queries(self) -> bool:
        return self.left.same_for_all_queries() and self.right.same_for_all_queries()

    def key_keep(self) -> Tensor | None:
        left, right = self.left.key_keep(), self.right.key_keep()
        if left is None or right is None:
            return right if left is None else left
        return left & right

    def select(self, rows: Tensor) -> Mask:
        return Both(self.left.select(rows), self.right.select(rows))

    def cut(self, *, heads: Sequence[int] | None, rows: Sequence[int] | None, keys: slice) -> Mask:
        left, right = (part.cut(heads=heads, rows=rows, keys=keys) for part in (self.left, self.right))
        return Both(left, right)

    def check(self, shape: Shape) -> None:
        self.left.check(shape)
        self.right.check(shape)


def pick(axes: Tensor, heads: Sequence[int] | None, rows: Sequence[int] | None) -> Tensor:
    """The chosen heads and rows of something `[b|1 h|1 t|1 ...]`; axes of 1 stay as they are."""
    across = None if heads is None or axes.shape[1] == 1 else list(heads)
    down = None if rows is None or axes.shape[2] == 1 else list(rows)
    if across is not None and down is not None:
        return axes[:, [[head] for head in across], down]  # in one go: no row of another head is copied
    axes = axes if across is None else axes[:, across]
    return axes if down is None else axes[:, :, down]


def broadcasts(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    """Whether every axis but the last is 1 or as wanted (None: not known yet), and the last exactly as wanted."""
    fits = all(want is None or have in (1, want) for have, want in zip(shape[:-1], wanted[:-1], strict=True))
    return fits and shape[-1] == wanted[-1]


def written(shape: tuple[int | None, ...], letters: str) -> str:
    """A shape for a message: numbers where they are known, else letters."""
    return f"[{', '.join(letter if size is None else str(size) for size, letter in zip(shape, letters, strict=True))}]"
