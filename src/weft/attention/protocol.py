"""The seam between models and attention maths: prepare once, attend often, ask for weights afterwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Protocol, runtime_checkable

import torch

from weft.attention.masks import Arbitrary, Full, Mask, Shape, broadcasts, written
from weft.base.errors import ShapeError, UnsupportedError
from weft.base.shapes import Bool, Float, Int, Shaped, Tensor


class Feature(Enum):
    """What a back end may be asked for beyond plain attention."""

    BIAS = auto()
    DROPOUT = auto()
    GROUPS = auto()
    VALUE_WIDTH = auto()
    ARBITRARY_MASK = auto()


@runtime_checkable
class Index(Protocol):
    """What a back end noted of the keys of a source, so as not to read all of them at every step."""

    def select(self, rows: Int[Tensor, " m"]) -> Index:
        """The same of these rows of the batch."""
        ...


@runtime_checkable
class Origin(Protocol):
    """Where keys and values lie, if not in memory of our own."""

    def check(self) -> None:
        """Raise DataError if they are no longer what they were."""
        ...


@dataclass(frozen=True)
class Units:
    """What an int8 key or value counts in: `[b g s 1]` each, one unit a position and head."""

    k: Float[Tensor, "b g s 1"]
    v: Float[Tensor, "b g s 1"]

    def select(self, rows: Int[Tensor, " m"]) -> Units:
        return Units(self.k[rows], self.v[rows])


@dataclass(frozen=True)
class KeyValues:
    """What `prepare` makes of a source: keys `[b g s k]`, values `[b g s e]`, who may see them, a bias on scores.

    `bias` is additive, `[b|1 h|1 t|1 s]`, in units of the scaled scores. Keys and values may be int8 with `units`, or
    lie in a file (`origin`); `index` belongs to the back end that prepared them.
    """

    k: Shaped[Tensor, "b g s k"]
    v: Shaped[Tensor, "b g s e"]
    mask: Mask = field(default_factory=Full)
    bias: Float[Tensor, "#b #h #t s"] | None = None
    index: Index | None = None
    units: Units | None = None
    origin: Origin | None = None

    def select(self, rows: Int[Tensor, " m"]) -> KeyValues:
        """The memory of these rows of the batch."""
        k, v = self.both(lambda x: x.index_select(0, rows))  # the gradient of x[rows] is slow
        return replace(
            self,
            k=k,
            v=v,
            mask=self.mask.select(rows),
            bias=self.bias if self.bias is None or self.bias.shape[0] == 1 else self.bias[rows],
            index=None if self.index is None else self.index.select(rows),
            units=None if self.units is None else self.units.select(rows),
        )

    def both(self, change: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
        """Keys and values, changed alike; where they are one tensor, they stay one."""
        k = change(self.k)
        return k, k if self.v is self.k else change(self.v)

    def stretch(self, keys: slice, dtype: torch.dtype | None = None) -> KeyValues:
        """A stretch of the keys with their values as plain numbers, in `dtype` if it is given; nothing is masked."""
        k = self.keys_of(keys, dtype)
        return KeyValues(k, k if self.v is self.k else self.values_of(keys, dtype))

    def of_pair(self, row: int, group: int, dtype: torch.dtype) -> tuple[Float[Tensor, "s k"], Float[Tensor, "s e"]]:
        """Keys and values of one row of the batch and one key head as plain numbers; views, where they are such."""
        b, g = slice(row, row + 1), slice(group, group + 1)
        units = None if self.units is None else Units(self.units.k[b, g], self.units.v[b, g])
        one = KeyValues(self.k[b, g], self.v[b, g], units=units).stretch(slice(None), dtype)
        return one.k[0, 0], one.v[0, 0]

    def keys_of(self, keys: slice, dtype: torch.dtype | None = None) -> Float[Tensor, "b g s k"]:
        """A stretch of the keys as plain numbers."""
        return _plain(self.k, None if self.units is None else self.units.k, keys, dtype)

    def values_of(self, keys: slice, dtype: torch.dtype | None = None) -> Float[Tensor, "b g s e"]:
        """A stretch of the values as plain numbers."""
        return _plain(self.v, None if self.units is None else self.units.v, keys, dtype)

    def of_head(self, head: int, num_heads: int) -> KeyValues:
        """What one of `num_heads` query heads reads, as a memory of one head; keys and values are views.

        Raises ShapeError for a head that is not there.
        """
        if not 0 <= head < num_heads:
            raise ShapeError(f"a head must be from 0 to {num_heads - 1}, got {head}; heads are counted from 0")
        group = slice(head * self.k.shape[1] // num_heads, head * self.k.shape[1] // num_heads + 1)
        bias = self.bias if self.bias is None or self.bias.shape[1] == 1 else self.bias[:, head : head + 1]
        mask = self.mask.cut(heads=[head], rows=None, keys=slice(None))
        units = None if self.units is None else Units(self.units.k[:, group], self.units.v[:, group])
        plain = KeyValues(self.k[:, group], self.v[:, group], units=units).stretch(slice(None))
        return replace(plain, mask=mask, bias=bias, origin=self.origin)

    def with_mask(self, mask: Mask) -> KeyValues:
        """The same keys and values; an index, made for another mask, does not come along."""
        return replace(self, mask=mask, index=None)


def _plain(x: Tensor, units: Tensor | None, keys: slice, dtype: torch.dtype | None) -> Tensor:
    if units is None:
        return x[:, :, keys] if dtype is None else x[:, :, keys].to(dtype)
    return x[:, :, keys].to(dtype or units.dtype) * units[:, :, keys].to(dtype or units.dtype)


@runtime_checkable
class Backend(Protocol):
    """One way to compute softmax(scale * q k^T + bias) v. Law: `attend == weights @ v` in every back end.

    A query that may attend to nothing yields exactly zero, context and weights, with finite gradients. `start` is the
    absolute position of the first query. Reported weights are float32 (float64 for float64 input), before dropout.
    """

    supports: frozenset[Feature]
    scale: float | None
    exact: bool
    """Whether its weights are the softmax over every key, which a record can read without forming them (largest ones,
    entropy, coverage, ...); of others it forms `weights`, a few rows at a time."""
    indexes: bool
    """Whether it notes something of the keys in `KeyValues.index` that is worth having again where it was lost."""

    def prepare(self, k: Tensor, v: Tensor, *, mask: Mask, bias: Tensor | None = None) -> KeyValues:
        """Everything about a source that no query changes; called once per source."""
        ...

    def attend(self, q: Tensor, memory: KeyValues, *, start: int = 0, dropout: float = 0.0) -> Tensor:
        """Queries `[b h t k]` to contexts `[b h t e]`, in the dtype of the queries."""
        ...

    def weights(
        self,
        q: Tensor,
        memory: KeyValues,
        *,
        start: int = 0,
        heads: Sequence[int] | None = None,
        rows: Sequence[int] | None = None,
    ) -> Tensor:
        """The weights `[b h t s]` of the chosen heads and query rows (default all); rows sum to 1, or 0 if dead."""
        ...


def require(supports: frozenset[Feature], needs: dict[Feature, bool], name: str) -> None:
    """Raise UnsupportedError if something is needed that a back end does not declare."""
    missing = [feature.name.lower() for feature, needed in needs.items() if needed and feature not in supports]
    if missing:
        raise UnsupportedError(f"the {name} back end does not support {', '.join(missing)}; use the reference back end")


def checked(k: Tensor, v: Tensor, mask: Mask, bias: Tensor | None) -> KeyValues:
    """Keys and values that fit together, with zeros wherever the mask says padding, so that NaN there never leaks."""
    if k.dim() != 4 or v.dim() != 4 or k.shape[:3] != v.shape[:3]:
        raise ShapeError(
            f"keys [b g s k] and values [b g s e] must agree in b, g, s; got {list(k.shape)}, {list(v.shape)}"
        )
    mask.check((k.shape[0], None, None, k.shape[2]))
    _check_bias(bias, (k.shape[0], None, None, k.shape[2]))
    keep = mask.key_keep()
    if keep is not None:
        hidden = ~keep[:, None, :, None]
        k, v = KeyValues(k, v).both(lambda x: x.masked_fill(hidden, 0.0))
    return KeyValues(k, v, mask, bias)


def check_queries(q: Tensor, memory: KeyValues) -> None:
    """Raise ShapeError unless queries `[b h t k]`, mask and bias fit the memory: same b and k, h a multiple of g."""
    queries, (b, g, s, width) = q.shape, memory.k.shape
    if len(queries) != 4 or queries[0] != b or queries[3] != width or queries[1] % g:
        raise ShapeError(
            f"queries must be [b h t k] with b = {b}, k = {width} and h a multiple of g = {g}; got {list(queries)}"
        )
    if memory.origin is not None:
        memory.origin.check()
    scores = (b, queries[1], queries[2], s)
    memory.mask.check(scores)
    _check_bias(memory.bias, scores)


def _check_bias(bias: Tensor | None, shape: Shape) -> None:
    """Raise ShapeError unless the bias fits scores of this shape."""
    if bias is not None and (bias.dim() != 4 or not broadcasts((*bias.shape,), shape)):
        raise ShapeError(
            f"bias must be [b|1 h|1 t|1 s] = {written(shape, 'bhts')}, got {list(bias.shape)}; give one row a query"
        )


def allowed(
    q: Tensor,
    memory: KeyValues,
    start: int,
    *,
    heads: Sequence[int] | None = None,
    rows: Sequence[int] | None = None,
    keys: slice = slice(None),
) -> Bool[Tensor, "#b #h #t s"] | None:
    """The dense mask of the chosen heads, query rows and stretch of keys, or None when everything is allowed."""
    if isinstance(memory.mask, Full):
        return None
    whole = heads is None and rows is None and keys == slice(None)
    if whole and isinstance(memory.mask, Arbitrary):  # a table, as every step of a beam has: it knows no positions
        memory.mask.check((None, None, q.shape[2], memory.k.shape[2]))
        return memory.mask.allowed
    queries = torch.arange(start, start + q.shape[2], device=q.device)
    queries = queries if rows is None else queries[list(rows)]
    columns = torch.arange(memory.k.shape[2], device=q.device)[keys]
    mask = memory.mask if whole else memory.mask.cut(heads=heads, rows=rows, keys=keys)
    return mask.dense(queries, columns)
