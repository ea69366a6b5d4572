"""The decoder: the same layers whether a whole target is read at once or one step of n hypotheses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol, cast, runtime_checkable

import torch
import torch.nn.functional as F
from torch import nn

from weft.attention.masks import Causal, Mask, padding
from weft.attention.protocol import KeyValues
from weft.attention.record import Record
from weft.base.padded import Padded
from weft.base.shapes import Bool, Float, Int, Tensor
from weft.layers.attention import CrossAttention, Past, SelfAttention
from weft.layers.block import DecoderLayer
from weft.layers.bound import Function, bound
from weft.layers.cache import Ancestors, Fresh, History, Stepping
from weft.layers.fusion import Memories
from weft.layers.relative import NoBias
from weft.models.at_once import AtOnce, Plain
from weft.models.text import TextIn, TextOut


@dataclass(frozen=True)
class Encoded:
    """Encoded sources: the projected keys and values of every decoder layer, and which positions are real, `[b s]`."""

    cross: tuple[KeyValues, ...]
    keep: Bool[Tensor, "b s"]

    def __len__(self) -> int:
        return len(self.keep)

    def of_layers(self) -> Sequence[KeyValues]:
        """What each layer reads."""
        return self.cross

    def select(self, rows: Int[Tensor, " m"]) -> Encoded:
        return Encoded(_of_each(self.cross, lambda memory: memory.select(rows)), self.keep[rows])

    def parts(self) -> list[Encoded]:
        """Each source as a memory of its own, copied and without its padding at the end."""
        columns = torch.arange(1, self.keep.shape[1] + 1, device=self.keep.device)
        ends = (self.keep * columns).amax(1).tolist()
        keeps = [self.keep[row : row + 1, :end].clone() for row, end in enumerate(ends)]
        return [
            Encoded(_of_each(self.cross, partial(_stretch, row=row, keep=keep)), keep) for row, keep in enumerate(keeps)
        ]

    def to(self, device: torch.device, dtype: torch.dtype) -> Encoded:
        """The same memory for a model on this device, in this type of numbers.

        Raises DataError if it lies in a file that is no longer what it was: to be joined with others it is copied.
        """
        for origin in {layer.origin for layer in self.cross if layer.origin is not None}:
            origin.check()
        keep = self.keep.to(device)
        whole, mask = slice(None), padding(keep)

        def moved(layer: KeyValues) -> KeyValues:
            k, v = layer.stretch(whole).both(lambda x: x.to(device, dtype))
            return KeyValues(k, v, mask, origin=layer.origin)

        return Encoded(_of_each(self.cross, moved), keep)

    def among(self, rows: Int[Tensor, " m"], size: int) -> Encoded:
        """The memory of a batch of so many rows, of which `rows` are these and the others have nothing to read."""
        keep = self.keep.new_zeros(size, self.keep.shape[1]).index_copy(0, rows, self.keep)
        mask = padding(keep)
        return Encoded(_of_each(self.cross, partial(_among, rows=rows, size=size, mask=mask)), keep)

    def cut(self, columns: slice) -> Encoded:
        """The memory of some positions alone, of views."""
        keep = self.keep[:, columns]
        mask = padding(keep)

        def of(layer: KeyValues) -> KeyValues:
            return replace(layer.stretch(columns), mask=mask, origin=layer.origin)

        return Encoded(_of_each(self.cross, of), keep)

    @staticmethod
    def in_a_row(parts: Sequence[Encoded]) -> Encoded:
        """One memory of the positions of all parts, which are of the same sources, one part behind the other.

        It is a copy. Raises DataError if a part lies in a file that is no longer what it was.
        """
        _check_origins(parts)
        keep = torch.cat([part.keep for part in parts], 1)
        mask = padding(keep)
        return Encoded(_of_layers(parts, partial(_end_to_end, mask=mask)), keep)

    @staticmethod
    def joined(parts: Sequence[Encoded]) -> Encoded:
        """One memory of several, padded at the end: the inverse of `parts`. A single one is not copied.

        Raises DataError if a part that is copied lies in a file that is no longer what it was.
        """
        if len(parts) == 1:
            return parts[0]
        _check_origins(parts)
        longest = max(part.keep.shape[1] for part in parts)
        keep = torch.cat([F.pad(part.keep, (0, longest - part.keep.shape[1])) for part in parts])
        mask = padding(keep)
        return Encoded(_of_layers(parts, partial(_stacked, longest=longest, mask=mask)), keep)


def _of_each(cross: Sequence[KeyValues], change: Callable[[KeyValues], KeyValues]) -> tuple[KeyValues, ...]:
    """The memory of each layer, changed; what several layers read is changed once, and still read by all of them."""
    once = {id(memory): memory for memory in cross}
    changed = {key: change(memory) for key, memory in once.items()}
    return tuple(changed[id(memory)] for memory in cross)


def _of_layers(parts: Sequence[Encoded], join: Callable[[Sequence[KeyValues]], KeyValues]) -> tuple[KeyValues, ...]:
    """The memories of each layer, joined; those that several layers read are joined once."""
    layers = list(zip(*(part.cross for part in parts), strict=True))
    once = {tuple(map(id, layer)): layer for layer in layers}
    joined = {key: join(layer) for key, layer in once.items()}
    return tuple(joined[tuple(map(id, layer))] for layer in layers)


def _among(memory: KeyValues, rows: Int[Tensor, " m"], size: int, mask: Mask) -> KeyValues:
    k, v = memory.both(lambda x: x.new_zeros(size, *x.shape[1:]).index_copy(0, rows, x))
    return KeyValues(k, v, mask)


def _check_origins(parts: Sequence[Encoded]) -> None:
    for origin in {layer.origin for part in parts for layer in part.cross}:
        if origin is not None:
            origin.check()


def _stretch(memory: KeyValues, row: int, keep: Bool[Tensor, "1 s"]) -> KeyValues:
    plain = memory.stretch(slice(keep.shape[1]))
    k, v = plain.both(lambda x: x[row : row + 1].clone())
    return KeyValues(k, v, padding(keep))


def _stacked(memories: Sequence[KeyValues], longest: int, mask: Mask) -> KeyValues:
    padded = [memory.both(lambda x: F.pad(x, (0, 0, 0, longest - x.shape[2]))) for memory in memories]
    return _joined(padded, 0, mask)


def _end_to_end(memories: Sequence[KeyValues], mask: Mask) -> KeyValues:
    return _joined([(memory.k, memory.v) for memory in memories], 2, mask)


def _joined(pairs: Sequence[tuple[Tensor, Tensor]], axis: int, mask: Mask) -> KeyValues:
    k = torch.cat([k for k, _ in pairs], axis)
    return KeyValues(k, k if all(k is v for k, v in pairs) else torch.cat([v for _, v in pairs], axis), mask)


def _indexed(reader: CrossAttention, memory: KeyValues) -> KeyValues:
    backend = reader.backend
    if not backend.indexes or memory.index is not None or memory.units is not None:
        return memory
    return replace(backend.prepare(memory.k, memory.v, mask=memory.mask, bias=memory.bias), origin=memory.origin)


@runtime_checkable
class Readable(Protocol):
    """Encoded sources, ready to be read by every layer: `Encoded`, or several sources brought together."""

    def __len__(self) -> int: ...

    def of_layers(self) -> Sequence[KeyValues | Memories]: ...

    def select(self, rows: Int[Tensor, " m"]) -> Readable: ...


@dataclass(frozen=True)
class DecoderCache:
    """What stepping needs: the bound decoder and what makes logits of its states, the encoded sources, the history of
    each layer, and whose history is whose; and where that can be, all of it but the logits as one function."""

    run: Function
    out: Function
    encoded: Readable
    histories: tuple[History, ...]
    ancestors: Ancestors
    at_once: AtOnce | None

    def reorder(self, parents: Int[Tensor, "b n"]) -> DecoderCache:
        """Only the ancestor table moves: neither the memory nor the histories are copied."""
        return replace(self, ancestors=self.ancestors.reorder(parents))

    def select(self, rows: Int[Tensor, " m"]) -> DecoderCache:
        histories = tuple(history.select(rows, self.ancestors) for history in self.histories)
        encoded, ancestors = self.encoded.select(rows), self.ancestors.select(rows)
        return replace(self, encoded=encoded, histories=histories, ancestors=ancestors)

    def at_once_now(self) -> AtOnce | None:
        """`at_once` for the sources and histories that are there: the last step may have read others."""
        known = self.at_once
        if known is None:
            return None
        return known.reading(self.histories, self.encoded.of_layers(), beam=self.ancestors.beam)


class Decoder(nn.Module):
    """Target ids to states, by forward (all positions at once) or by step (one position of n hypotheses)."""

    def __init__(self, embed: nn.Module, layers: Sequence[DecoderLayer], norm: nn.Module, bias: nn.Module) -> None:
        super().__init__()
        self.embed, self.layers, self.norm, self.bias = embed, nn.ModuleList(layers), norm, bias

    def prepare(self, states: Padded) -> Encoded:
        """Keys and values of every layer from encoder states `[b s d]`, projected here and nowhere else."""
        mask = padding(states.keep)
        readers = [cast(CrossAttention, cross) for cross in self.cross_attentions()]
        sharing = [cross for cross in readers if cross.shares][:1]
        shared = [cross.prepare(states.values, mask) for cross in sharing]  # once, for all layers that read it
        layers = (shared[0] if cross.shares else cross.prepare(states.values, mask) for cross in readers)
        return Encoded(tuple(layers), states.keep)

    def forward(
        self, target: Int[Tensor, "b t"], encoded: Readable, record: Record | None = None
    ) -> Float[Tensor, "b t d"]:
        """Padding at the end of a target needs no mask: causality hides it from every real position."""
        positions = torch.arange(target.shape[1], device=target.device)
        pasts = [Fresh(Causal(), bias) for bias in self.bias(positions, positions)]
        return self.bind()(target, pasts, encoded, positions, record)

    def indexed(self, encoded: Encoded) -> Encoded:
        """The same memories with what the back ends of their layers note of keys, made where it has been lost."""
        readers = (cast(CrossAttention, cross) for cross in self.cross_attentions())
        return replace(encoded, cross=tuple(map(_indexed, readers, encoded.cross)))

    def init_cache(self, encoded: Readable, *, beam: int, capacity: int, out: TextOut) -> DecoderCache:
        """`out` makes logits of the states of a step."""
        b = len(encoded)
        like = next(one for one in self.parameters() if one.is_floating_point())  # the memory may be in fewer bits
        heads = [attention.heads for attention in self._self_attentions()]
        histories = tuple(History.room(like, b, capacity * beam, head) for head in heads)
        ancestors = Ancestors.empty(b, beam, capacity, like.device)
        project = out.bind_for(rows=b * beam)
        at_once = None
        if isinstance(self.embed, TextIn) and isinstance(self.bias, NoBias):
            plain = Plain(self.embed, [*self.layers], self.norm)
            at_once = plain.reading(histories, encoded.of_layers(), beam=beam)
        return DecoderCache(self.bind(), project, encoded, histories, ancestors, at_once)

    def step(
        self, tokens: Int[Tensor, "b n"], cache: DecoderCache, record: Record | None = None
    ) -> tuple[Float[Tensor, "b n w"], DecoderCache]:
        """Logits; hypotheses take the place of time: n queries that share one position and one memory."""
        cache.ancestors.check("tokens", tokens)
        ancestors = cache.ancestors.advance()
        position = torch.arange(ancestors.length - 1, ancestors.length, device=tokens.device)
        apart = torch.is_grad_enabled() or torch.is_autocast_enabled(tokens.device.type)
        at_once = None if apart else cache.at_once_now()
        if at_once is None:
            x = self._by_parts(tokens, position, ancestors, cache, record)
        else:
            x = at_once.states(tokens, position, ancestors, record)
        return cache.out(x), replace(cache, ancestors=ancestors, at_once=at_once or cache.at_once)

    def _by_parts(
        self, tokens: Tensor, position: Tensor, ancestors: Ancestors, cache: DecoderCache, record: Record | None
    ) -> Float[Tensor, "b n d"]:
        mask = ancestors.mask()
        biases = self.bias(position, ancestors.positions())
        pasts = [
            Stepping(history, mask, ancestors.length, bias)
            for history, bias in zip(cache.histories, biases, strict=True)
        ]
        return cache.run(tokens, pasts, cache.encoded, position, record)

    def bind(self) -> Function:
        """Ids at some positions to states, with what each layer remembers and reads."""
        embed, layers, norm = bound(self.embed), [bound(layer) for layer in self.layers], bound(self.norm)

        def run(
            ids: Tensor, pasts: Sequence[Past], encoded: Readable, positions: Tensor, record: Record | None
        ) -> Tensor:
            x = embed(ids, positions)
            for layer, past, memory in zip(layers, pasts, encoded.of_layers(), strict=True):
                x = layer(x, past, memory, positions, record)
            return norm(x)

        return run

    def cross_attentions(self) -> Iterator[nn.Module]:
        """What reads the source in each layer: a `CrossAttention`, or where there are several sources a fusion."""
        for layer in self.layers:
            yield cast(nn.Module, cast(DecoderLayer, layer).cross_attention.sublayer)

    def _self_attentions(self) -> Iterator[SelfAttention]:
        for layer in self.layers:
            yield cast(SelfAttention, cast(DecoderLayer, layer).attention.sublayer)
