"""Several sources in one decoder layer: what the layer reads of each, and five ways of bringing it together.

Each source has a softmax, a mask and a width of its own, but in `Concat`, which has one softmax over all. What a row
lacks adds exactly nothing to it, after the output projection and its bias: as if the source did not exist.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import nn

from weft.attention.masks import Padding
from weft.attention.protocol import Backend, KeyValues
from weft.attention.record import Observation, Record
from weft.base.padded import Padded
from weft.base.shapes import Bool, Float, Int, Tensor
from weft.layers.attention import CrossAttention, Heads, join_heads, split_heads


@dataclass(frozen=True)
class Memories:
    """Keys and values of each source for one layer, in the order of the model, and which rows have it.

    `whole` is all of them end to end, where one softmax reads them so.
    """

    parts: Mapping[str, KeyValues]
    present: Mapping[str, Bool[Tensor, " b"]]
    whole: KeyValues | None = None

    @property
    def k(self) -> Float[Tensor, "b g s k"]:
        """The keys of the first source."""
        return next(iter(self.parts.values())).k

    def select(self, rows: Int[Tensor, " m"]) -> Memories:
        """The memories of these rows of the batch."""
        return Memories(
            {name: memory.select(rows) for name, memory in self.parts.items()},
            {name: present[rows] for name, present in self.present.items()},
            None if self.whole is None else self.whole.select(rows),
        )


class Fusion(nn.Module, ABC):
    """Cross-attention to several named sources."""

    @abstractmethod
    def prepare(self, name: str, states: Padded) -> KeyValues:
        """Keys and values of one source, projected once for every step and beam."""

    def join(self, parts: Mapping[str, KeyValues], present: Mapping[str, Bool[Tensor, " b"]]) -> Memories:
        """What the layer reads in a search or a pass: the sources that the batch has, in the order given."""
        return Memories(parts, present)

    @abstractmethod
    def forward(self, x: Float[Tensor, "b t d"], memories: Memories, record: Record | None = None) -> Tensor:
        """What all sources add to x, `[b t d]`; 0 in a row that has none of them."""


class Apart(Fusion, ABC):
    """Each source has a cross-attention of its own: `sources`, in the order of the model."""

    def __init__(self, sources: Mapping[str, CrossAttention]) -> None:
        super().__init__()
        self.sources = nn.ModuleDict(sources)

    def prepare(self, name: str, states: Padded) -> KeyValues:
        return cast(CrossAttention, self.sources[name]).prepare(states.values, Padding(states.keep))

    def read(self, x: Tensor, memories: Memories, record: Record | None) -> Iterator[tuple[str, Tensor]]:
        """What each source that is there has to say, `[b t d]`; 0 in rows that lack it."""
        for name, memory in memories.parts.items():
            yield name, of_present(self.sources[name](x, memory, record), memories.present[name])


class Parallel(Apart):
    """sum_i attend_i(x): all sources at once, added up (Libovický et al. 2018, section 3.2)."""

    def forward(self, x: Tensor, memories: Memories, record: Record | None = None) -> Tensor:
        return torch.stack([found for _, found in self.read(x, memories, record)]).sum(0)


class Gated(Apart):
    """attend_1(x) + sum_i tanh(gate_i) attend_i(x): a trained model of the first source that learns to read others.

    Gates start at zero, where what is added is exactly zero (Alayrac et al. 2022, section 2.2).
    """

    def __init__(self, sources: Mapping[str, CrossAttention]) -> None:
        super().__init__(sources)
        self.first = next(iter(sources))
        self.gates = nn.ParameterDict({name: torch.zeros(()) for name in sources if name != self.first})

    def forward(self, x: Tensor, memories: Memories, record: Record | None = None) -> Tensor:
        found = dict(self.read(x, memories, record))
        total = found.pop(self.first, torch.zeros_like(x))
        for name, more in found.items():
            total = total + self.gates[name].tanh() * more
        return total


class Hierarchical(Apart):
    """A second attention over what was read of each source (Libovický and Helcl 2017, section 3.2)."""

    def __init__(self, sources: Mapping[str, CrossAttention], over: CrossAttention) -> None:
        """`over` reads contexts as wide as the model, of one source each."""
        super().__init__(sources)
        self.over = over

    def forward(self, x: Tensor, memories: Memories, record: Record | None = None) -> Tensor:
        contexts_btsd = torch.stack([found for _, found in self.read(x, memories, record)], 2)
        present_bs = torch.stack(list(memories.present.values()), 1)
        b, t, s, _ = contexts_btsd.shape
        mask = Padding(present_bs[:, None].expand(b, t, s).flatten(0, 1))
        # Every query has keys of its own, so queries stand where rows of the batch do: b t s d -> bt s d.
        memory = self.over.prepare(contexts_btsd.flatten(0, 1), mask)
        found = self.over(x.flatten(0, 1)[:, None], memory, record)
        return of_present(found.unflatten(0, (b, t)).squeeze(2), present_bs.any(1))


class Concat(Fusion):
    """One softmax over the positions of all sources, whose keys and values are projected apart.

    What its record keeps of each source is that source's part of this one softmax.
    """

    def __init__(
        self,
        width: int,
        heads: Heads,
        *,
        memory_widths: Mapping[str, int],
        sites: Mapping[str, str],
        backend: Backend,
        dropout: float,
        bias: bool = True,
    ) -> None:
        """`memory_widths` and `sites` (in records) are those of each source, in the order of the model."""
        super().__init__()
        self.heads, self.backend, self.dropout, self.sites = heads, backend, dropout, dict(sites)
        self._widths = [heads.num_groups * heads.key_width, heads.num_groups * heads.value_width]
        self.q = nn.Linear(width, heads.num_heads * heads.key_width, bias=bias)
        self.kv = nn.ModuleDict(
            {name: nn.Linear(size, sum(self._widths), bias=bias) for name, size in memory_widths.items()}
        )
        self.out = nn.Linear(heads.num_heads * heads.value_width, width, bias=bias)

    def prepare(self, name: str, states: Padded) -> KeyValues:
        k, v = self.kv[name](states.values).split(self._widths, -1)
        groups, mask = self.heads.num_groups, Padding(states.keep)
        return self.backend.prepare(split_heads(k, groups), split_heads(v, groups), mask=mask)

    def join(self, parts: Mapping[str, KeyValues], present: Mapping[str, Bool[Tensor, " b"]]) -> Memories:
        whole = end_to_end(list(parts.values()), self.backend)
        bounds = [memory.k.shape[2] for memory in parts.values()]
        cuts = zip(parts, torch.split(whole.k, bounds, 2), torch.split(whole.v, bounds, 2), strict=True)
        views = {name: KeyValues(k, v, parts[name].mask) for name, k, v in cuts}
        return Memories(views, present, whole)

    def forward(self, x: Tensor, memories: Memories, record: Record | None = None) -> Tensor:
        assert memories.whole is not None
        q_bhtk = split_heads(self.q(x), self.heads.num_heads)
        context = self.backend.attend(q_bhtk, memories.whole, dropout=self.dropout if self.training else 0.0)
        if record is not None:
            self._note(q_bhtk, memories, record)
        return of_present(self.out(join_heads(context)), torch.stack(list(memories.present.values())).any(0))

    def _note(self, query: Tensor, memories: Memories, record: Record) -> None:
        for name, part in memories.parts.items():
            site = self.sites[name]
            record.note(Observation(site, query, part, self.backend, output=self.out, whole=memories.whole))


class Serial(nn.Module):
    """One source after the other, each with a residual path of its own (Libovický et al. 2018, section 3.1).

    Takes x to x, so nothing stands around it.
    """

    def __init__(self, residuals: Mapping[str, nn.Module]) -> None:
        """`residuals` are cross-attentions with the parts around them, `Residual`, in the order of the model."""
        super().__init__()
        self.sources = nn.ModuleDict(residuals)

    @property
    def sublayer(self) -> Serial:
        """Who prepares memories, where other ways of reading stand inside of a residual path."""
        return self

    def prepare(self, name: str, states: Padded) -> KeyValues:
        attention = cast(CrossAttention, self.sources[name].sublayer)
        return attention.prepare(states.values, Padding(states.keep))

    def join(self, parts: Mapping[str, KeyValues], present: Mapping[str, Bool[Tensor, " b"]]) -> Memories:
        return Memories(parts, present)

    def forward(self, x: Tensor, memories: Memories, record: Record | None = None) -> Tensor:
        for name, memory in memories.parts.items():
            x = self.sources[name](x, memory, record).where(memories.present[name][:, None, None], x)
        return x


def of_present(x: Float[Tensor, "b t d"], present: Bool[Tensor, " b"]) -> Float[Tensor, "b t d"]:
    """x with exact zeros in the rows that are not present."""
    return x.masked_fill(~present[:, None, None], 0.0)


def end_to_end(memories: list[KeyValues], backend: Backend) -> KeyValues:
    """One memory of several, whose positions stand one after the other; what no mask hides is real."""
    k, v = (torch.cat(list(tensors), 2) for tensors in zip(*((m.k, m.v) for m in memories), strict=True))
    keeps = [(memory.mask.key_keep(), memory.k) for memory in memories]
    real = [
        keys.new_ones(keys.shape[0], keys.shape[2], dtype=torch.bool) if kept is None else kept for kept, keys in keeps
    ]
    return backend.prepare(k, v, mask=Padding(torch.cat(real, 1)))
