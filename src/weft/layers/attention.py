"""Projections around the attention core: Q from what is written, K and V from what is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import nn

from weft.attention.masks import Mask, Padding
from weft.attention.of_keys import real_keys
from weft.attention.protocol import Backend, KeyValues
from weft.attention.record import Observation, Record
from weft.base.errors import ConfigError
from weft.base.shapes import Float, Int, Tensor
from weft.layers.bound import Bindable, Function, bound
from weft.layers.shared_index import SharedIndex, check_shared, prepare_shared


@dataclass(frozen=True)
class Heads:
    """How attention is divided: query heads, key/value heads that they share, and the widths of each head."""

    num_heads: int
    num_groups: int
    key_width: int
    value_width: int

    def __post_init__(self) -> None:
        if self.num_heads % self.num_groups:
            raise ConfigError(f"num_heads must be a multiple of num_groups, got {self.num_heads} and {self.num_groups}")


@runtime_checkable
class Past(Protocol):
    """Where self-attention gets its keys and values: a whole sequence, or a history plus one step."""

    def extend(self, k: Tensor, v: Tensor, backend: Backend) -> KeyValues: ...


class SelfAttention(Bindable):
    """Multi-head attention of a sequence to itself (Vaswani et al. 2017, section 3.2.2), one fused projection."""

    def __init__(
        self,
        width: int,
        heads: Heads,
        *,
        backend: Backend,
        rotation: nn.Module,
        dropout: float,
        site: str,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.heads, self.backend, self.rotation, self.dropout, self.site = heads, backend, rotation, dropout, site
        self.qkv = nn.Linear(width, sum(_widths(heads)), bias=bias)
        self.out = nn.Linear(heads.num_heads * heads.value_width, width, bias=bias)

    def bind(self) -> Function:
        qkv, rotate, out = bound(self.qkv), bound(self.rotation), bound(self.out)
        apart, backend = _splitting(self.heads), self.backend
        dropout = self.dropout if self.training else 0.0

        def attend(x: Tensor, past: Past, positions: Tensor, record: Record | None = None) -> Tensor:
            q_bhtk, k_bgtk, v_bgte = apart(qkv(x))
            q_bhtk = rotate(q_bhtk, positions)
            memory = past.extend(rotate(k_bgtk, positions), v_bgte, backend)
            context = backend.attend(q_bhtk, memory, dropout=dropout)
            if record is not None and record.wants(self.site):
                record.note(self.observation(q_bhtk, memory))
            return out(join_heads(context))

        return attend

    def forward(
        self, x: Float[Tensor, "b t d"], past: Past, positions: Int[Tensor, "*#b #t"], record: Record | None = None
    ) -> Float[Tensor, "b t d"]:
        return self.bind()(x, past, positions, record)

    def observation(self, q: Float[Tensor, "b h t k"], memory: KeyValues) -> Observation:
        """What a record keeps of a call."""
        return Observation(self.site, q, memory, self.backend, output=self.out)


class CrossAttention(Bindable):
    """Multi-head attention of a target to a source: the bridge. `prepare` once a source, `forward` as often as needed.

    The keys need no bias: it would add the same number to every score of a query, which softmax does not see. Where it
    `shares`, it reads the encoder's states, of which all layers that do so have one copy: see `shared_index`.
    """

    def __init__(
        self,
        width: int,
        heads: Heads,
        *,
        memory_width: int,
        backend: Backend,
        dropout: float,
        site: str,
        null: nn.Module,
        length_scaling: nn.Module,
        bias: bool = True,
        shares: bool = False,
    ) -> None:
        """`null` answers the `Null` that one head reports against, or None: `LearnedNull` or `NoNull`.

        `length_scaling` makes the keys of a source what its length wants them to be: `Unscaled` or its like.
        """
        super().__init__()
        self.heads, self.backend, self.dropout, self.site, self.null = heads, backend, dropout, site, null
        self.length_scaling, self.shares = length_scaling, shares
        self._widths = [heads.num_groups * heads.key_width, heads.num_groups * heads.value_width]
        self.q = nn.Linear(width, heads.num_heads * heads.key_width, bias=bias)
        self.kv = nn.Linear(memory_width, sum(self._widths), bias=bias)
        self.out = nn.Linear(heads.num_heads * heads.value_width, width, bias=bias)

    def prepare(self, states: Float[Tensor, "b s d"], mask: Mask) -> KeyValues:
        """Keys and values of an encoded source, projected once for every step, beam and target language."""
        if self.shares:
            return prepare_shared(states, mask, self.backend)
        k, v = self.kv(states).split(self._widths, -1)
        groups = self.heads.num_groups
        k_bgsk = self.length_scaling(split_heads(k, groups), mask)
        return self.backend.prepare(k_bgsk, split_heads(v, groups), mask=mask)

    def bind(self) -> Function:
        q, out, h, backend = bound(self.q), bound(self.out), self.heads.num_heads, self.backend
        dropout = self.dropout if self.training else 0.0

        def attend(x: Tensor, memory: KeyValues, record: Record | None = None) -> Tensor:
            q_bhtk = split_heads(q(x), h)
            if self.shares:
                return self._read_states(q_bhtk, memory, record)
            context = backend.attend(q_bhtk, memory, dropout=dropout)
            if record is not None and record.wants(self.site):
                record.note(self.observation(q_bhtk, memory))
            return out(join_heads(context))

        return attend

    def forward(
        self, x: Float[Tensor, "b t d"], memory: KeyValues, record: Record | None = None
    ) -> Float[Tensor, "b t d"]:
        return self.bind()(x, memory, record)

    def observation(self, q: Float[Tensor, "b h t k"], memory: KeyValues) -> Observation:
        """What a record keeps of a call."""
        return Observation(self.site, q, memory, self.backend, output=self.out, null=self.null())

    def _read_states(
        self, q: Float[Tensor, "b h t k"], memory: KeyValues, record: Record | None
    ) -> Float[Tensor, "b t d"]:
        """What a record keeps are queries of states; lengths of values in the output are not to be had from these."""
        weight = self.kv.weight
        check_shared(memory, weight.shape[1], self.site)
        index = SharedIndex.of(weight, self.kv.bias, self.heads.num_groups, self._widths)
        scaled_bhtk = self._scaled(q, memory)
        q_bhtd = index.queries(scaled_bhtk)
        mean_bhtd = self.backend.attend(q_bhtd, memory, dropout=self.dropout if self.training else 0.0)
        if record is not None:
            assert self.backend.scale is not None
            null, scale = self.null(), self.backend.scale
            if null is not None:
                null = index.null(null.head, null.scores(q, scale), scaled_bhtk, scale)
            record.note(Observation(self.site, q_bhtd, memory, self.backend, null=null))
        return self.out(join_heads(index.context(mean_bhtd, memory)))

    def _scaled(self, q: Float[Tensor, "b h t k"], memory: KeyValues) -> Float[Tensor, "b h t k"]:
        """Queries with the factor that keys would have: one for each row and key head."""
        grouped = torch.unflatten(q, 1, (self.heads.num_groups, -1)).flatten(2, 3)  # b h t k -> b g rt k
        return self.length_scaling(grouped, Padding(real_keys(memory))).reshape(q.shape)


def _widths(heads: Heads) -> list[int]:
    """Those of queries, keys and values, all heads together."""
    h, g = heads.num_heads, heads.num_groups
    return [h * heads.key_width, g * heads.key_width, g * heads.value_width]


def _splitting(heads: Heads) -> Callable[[Tensor], Sequence[Tensor]]:
    """A function of queries, keys and values `[b t hk+gk+ge]`: `[b h t k]`, `[b g t k]` and `[b g t e]`, views."""
    h, g, width, widths = heads.num_heads, heads.num_groups, heads.key_width, _widths(heads)
    if width == heads.value_width:  # heads of one width are one axis, which takes half as many views to divide
        return lambda x: split_heads(x, h + 2 * g).split_with_sizes((h, g, g), 1)

    def apart(x: Tensor) -> Sequence[Tensor]:
        q, k, v = x.split_with_sizes(widths, -1)
        return split_heads(q, h), split_heads(k, g), split_heads(v, g)

    return apart


def split_heads(x: Float[Tensor, "b t hk"], num_heads: int) -> Float[Tensor, "b h t k"]:
    # Kernels of attention want the numbers of a head side by side, and a product need not have put them so.
    return torch.unflatten(x.contiguous(), -1, (num_heads, -1)).transpose(1, 2)  # b t hk -> b h t k


def join_heads(x: Float[Tensor, "b h t e"]) -> Float[Tensor, "b t he"]:
    return x.transpose(1, 2).flatten(2)  # b h t e -> b t he
