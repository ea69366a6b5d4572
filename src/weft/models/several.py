"""The encoder-decoder of several named sources: each has a memory of its own, which decoder layers bring together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from torch import nn

from weft.attention.record import Record
from weft.base.errors import ConfigError
from weft.base.padded import Padded
from weft.base.shapes import Float, Int, Tensor
from weft.base.sources import Part, Sources
from weft.base.validate import nearest
from weft.layers.fusion import Fusion, Memories
from weft.models.decoder import Decoder, DecoderCache, Encoded
from weft.models.encoder import Encoder
from weft.models.text import TextOut


@dataclass(frozen=True)
class Together:
    """Several sources, brought together for each layer."""

    layers: tuple[Memories, ...]
    size: int

    def __len__(self) -> int:
        return self.size

    def of_layers(self) -> Sequence[Memories]:
        """What each layer reads."""
        return self.layers

    def select(self, rows: Int[Tensor, " m"]) -> Together:
        return Together(tuple(memories.select(rows) for memories in self.layers), len(rows))


@dataclass(frozen=True)
class EncodedSources:
    """The memory of each source by name; a source that no row has is left out."""

    sources: Mapping[str, Encoded]

    def __len__(self) -> int:
        return len(next(iter(self.sources.values())))

    def select(self, rows: Int[Tensor, " m"]) -> EncodedSources:
        return EncodedSources({name: encoded.select(rows) for name, encoded in self.sources.items()})

    def parts(self) -> list[EncodedSources]:
        """Each row as a memory of its own, copied, of the sources that it has, without padding at the end."""
        rows = zip(*(encoded.parts() for encoded in self.sources.values()), strict=True)
        named = [dict(zip(self.sources, row, strict=True)) for row in rows]
        kept = [{name: part for name, part in row.items() if part.keep.any()} for row in named]
        return [EncodedSources(some or row) for some, row in zip(kept, named, strict=True)]


class Reader(nn.Module):
    """An encoder, and what takes its states to what cross-attention reads."""

    def __init__(self, encoder: Encoder, bridge: nn.Module) -> None:
        super().__init__()
        self.encoder, self.bridge = encoder, bridge

    def forward(self, source: Part, record: Record | None = None) -> Padded:
        """The states `[b s d]` of the rows that have this source; a row that has not is not read, and keeps nothing."""
        present = source.keep.any(1)
        rows = present.nonzero().squeeze(1)
        states = source.select(rows).read_by(lambda padded: self.encoder(padded, record))
        bridged = self.bridge(states.values)
        if len(rows) == len(source):
            return states.with_values(bridged)
        values = bridged.new_zeros(len(source), *bridged.shape[1:]).index_copy(0, rows, bridged)
        keep = states.keep.new_zeros(len(source), states.keep.shape[1]).index_copy(0, rows, states.keep)
        return Padded(values, keep)


class Readers(nn.Module):
    """Named sources to the states of each, in the order of the model."""

    def __init__(
        self, readers: Mapping[str, Reader], read_by: Mapping[str, str], *, required: frozenset[str] = frozenset()
    ) -> None:
        """`read_by` names for each source, in order, the reader that reads it; `required` sources must be there."""
        super().__init__()
        self.readers = nn.ModuleDict(readers)
        self.read_by, self.required = dict(read_by), required

    def forward(self, sources: Sources, record: Record | None = None) -> dict[str, Padded]:
        """Leaves out what no row has. Raises ConfigError for an unknown source and a required one that is missing."""
        self._check(sources)
        read = [name for name in self.read_by if name in sources.parts and bool(sources.parts[name].keep.any())]
        # All missing: one stays, so that there is something to leave out of account.
        read = read or [name for name in self.read_by if name in sources.parts][:1]
        return {name: self.read(name, sources.parts[name], record) for name in read}

    def read(self, name: str, source: Part, record: Record | None = None) -> Padded:
        """The states of one source."""
        return cast(Padded, self.readers[self.read_by[name]](source, record))

    def _check(self, sources: Sources) -> None:
        for name in sources.parts:
            if name not in self.read_by:
                raise ConfigError(f"this model has no source {name}; {nearest(name, list(self.read_by))}")
        missing = [name for name in self.read_by if name in self.required and name not in sources.parts]
        if missing:
            raise ConfigError(
                f"this model wants its source {missing[0]} for every input, got {', '.join(sources.parts)}; give it too"
            )


class SeveralSources(nn.Module):
    """A Transformer that reads several named sources: encode / init_cache / step, and forward for training."""

    def __init__(self, encoders: Readers, decoder: Decoder, out: TextOut, vocabulary_size: int) -> None:
        super().__init__()
        self.encoders, self.decoder, self.out, self.vocabulary_size = encoders, decoder, out, vocabulary_size

    def forward(
        self, source: Sources, target: Int[Tensor, "b t"], record: Record | None = None
    ) -> Float[Tensor, "b t w"]:
        """Logits of the token after each target position, given everything before it."""
        return self.out(self._decoded(source, target, record))

    def states(
        self, source: Sources, target: Int[Tensor, "b t"], record: Record | None = None
    ) -> Float[Tensor, "b t columns"]:
        """What `projection` makes logits of; training projects real positions alone."""
        return self.out.columns(self._decoded(source, target, record))

    def projection(self) -> Float[Tensor, "w columns"]:
        """The table that makes logits of `states`."""
        return self.out.table()

    def encode(self, source: Sources, record: Record | None = None) -> EncodedSources:
        """The memory of each source; see `Readers.forward` for what is refused."""
        states = self.encoders(source, record)
        return EncodedSources({name: self._prepared(name, of_source) for name, of_source in states.items()})

    def encode_source(self, name: str, source: Part) -> Encoded:
        """The memory of one source, which does not depend on the others."""
        return self._prepared(name, self.encoders.read(name, source))

    def init_cache(self, memory: EncodedSources, *, beam: int, capacity: int) -> DecoderCache:
        return self.decoder.init_cache(self._together(memory), beam=beam, capacity=capacity, out=self.out)

    def step(
        self, tokens: Int[Tensor, "b n"], cache: DecoderCache, record: Record | None = None
    ) -> tuple[Float[Tensor, "b n w"], DecoderCache]:
        return self.decoder.step(tokens, cache, record)

    def read(self, memory: EncodedSources, target: Int[Tensor, "b t"], record: Record | None = None) -> Tensor:
        """The decoder's states `[b t d]` after each target position, from sources that are encoded already."""
        return cast(Tensor, self.decoder(target, self._together(memory), record))

    def _decoded(self, source: Sources, target: Tensor, record: Record | None) -> Tensor:
        return self.read(self.encode(source, record), target, record)

    def _prepared(self, name: str, states: Padded) -> Encoded:
        fusions = (cast(Fusion, fusion) for fusion in self.decoder.cross_attentions())
        return Encoded(tuple(fusion.prepare(name, states) for fusion in fusions), states.keep)

    def _together(self, memory: EncodedSources) -> Together:
        sources = {name: memory.sources[name] for name in self.encoders.read_by if name in memory.sources}
        present = {name: encoded.keep.any(1) for name, encoded in sources.items()}
        layers = []
        for number, fusion in enumerate(self.decoder.cross_attentions()):
            parts = {name: encoded.cross[number] for name, encoded in sources.items()}
            layers.append(cast(Fusion, fusion).join(parts, present))
        return Together(tuple(layers), len(memory))


_FIRST = {
    "concat": ("cross_attention.sublayer.kv.", "cross_attention.sublayer.kv.{}."),
    "serial": ("cross_attention.", "cross_attention.sources.{}."),
    "parallel": ("cross_attention.sublayer.", "cross_attention.sublayer.sources.{}."),
    "hierarchical": ("cross_attention.sublayer.", "cross_attention.sublayer.sources.{}."),
    "gated": ("cross_attention.sublayer.", "cross_attention.sublayer.sources.{}."),
}
"""By fusion, how names begin in a decoder layer of a model of one source, and where that is the first of several."""


def of_first_source(weights: Mapping[str, Tensor], first: str, fusion: str) -> dict[str, Tensor]:
    """The weights of a model of one source by the names that they have where it is the first of several."""
    reader, (alone, among) = f"encoders.readers.{first}.", _FIRST[fusion]
    found = {}
    for name, weight in weights.items():
        if name.startswith(("encoder.", "bridge.")):
            found[reader + name] = weight
        else:
            found[name.replace(alone, among.format(first))] = weight
    return found


def of_source_alone(weights: Mapping[str, Tensor], name: str, fusion: str) -> dict[str, Tensor]:
    """The weights of a model of one source that has a name, by the names that they have where it has none.

    The inverse of `of_first_source`.
    """
    reader, (alone, among) = f"encoders.readers.{name}.", _FIRST[fusion]
    return {key.removeprefix(reader).replace(among.format(name), alone): weight for key, weight in weights.items()}
