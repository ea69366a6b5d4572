"""Encoded sources as values: held, reused for other languages, beams and prefixes, saved and loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator
from safetensors import SafetensorError, safe_open

from weft.attention.masks import padding
from weft.attention.protocol import KeyValues
from weft.base.errors import ConfigError, DataError, UnsupportedError
from weft.data.text_tokenizer import TextTokenizer
from weft.models.decoder import Encoded
from weft.models.several import EncodedSources
from weft.store.atomic import whole_file
from weft.store.mapped import MappedFile
from weft.store.tensors import write_tensors
from weft.translating.memory_cache import Memory
from weft.translating.segments import Segment, Source, Span

_ABOUT = "weft.translating.encoded_source"
Said = dict[str, str | None]
"""Of each source that an input has, by name, its text or what its picture is called."""


class _About(BaseModel):
    """What a file says of itself beside its tensors."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    texts: list[str]
    segments: list[list[tuple[int, int]]]
    layers: int
    fingerprint: str
    single: bool
    said: list[Said] = []

    @model_validator(mode="after")
    def _segments_of_texts(self) -> _About:
        for text, spans in zip(self.texts, self.segments, strict=True):
            places = [0, *(place for span in spans for place in span), len(text)]
            if places != sorted(places):
                raise ValueError(f"wanted segments in a text of {len(text)} code points, got {spans}")
        if self.said and len(self.said) != len(self.texts):
            raise ValueError(f"wanted sources of {len(self.texts)} inputs, got {len(self.said)}")
        return self


@dataclass(frozen=True)
class EncodedSource:
    """Inputs that one model has read: for each segment of each text its projected keys and values, without padding.

    Of a model of several sources each input is one segment, its first text whole, and the memory of every source that
    it has stands by itself: `said` names them. It belongs to the model whose `fingerprint` it carries, and to no target
    language, beam or prefix.
    """

    texts: tuple[str, ...]
    segments: tuple[tuple[Span, ...], ...]
    """For each text the half-open spans of the stretches that are translated one by one."""
    memories: tuple[tuple[Any, ...], ...]
    """For each text, for each of its segments, a memory of one row."""
    fingerprint: str
    single: bool = False
    """Whether it was made of one text rather than a list, so that its translation is one too."""
    said: tuple[Said, ...] = ()
    """For each input of a model of several sources, what it has."""

    def check(self, fingerprint: str) -> None:
        """Raises ConfigError unless it was encoded by the model with this fingerprint."""
        if fingerprint != self.fingerprint:
            raise ConfigError(
                f"wanted a source that this model ({fingerprint[:12]}...) encoded, got one of another model "
                f"({self.fingerprint[:12]}...); encode it with the model that translates it"
            )

    def sources(self, tokenizer: TextTokenizer) -> list[Source]:
        """The texts with their segments, tokenised anew, each with its memory."""
        return [
            Source(
                text,
                tuple(Segment.of(text, span, tokenizer, memory) for span, memory in zip(spans, memories, strict=True)),
            )
            for text, spans, memories in zip(self.texts, self.segments, self.memories, strict=True)
        ]

    def row(self, place: int) -> EncodedSource:
        """One of the inputs."""
        one = slice(place, place + 1)
        return replace(
            self,
            texts=self.texts[one],
            segments=self.segments[one],
            memories=self.memories[one],
            said=self.said[one],
            single=True,
        )

    def save(self, path: str | Path) -> None:
        """Writes one safetensors file, whole or not at all. Raises DataError if it cannot be written.

        Raises UnsupportedError for states that layers share: what is saved, any attention may read.
        """
        flat = [_named(memory) for memories in self.memories for memory in memories]
        if any(cross.k is cross.v for memory in flat for encoded in memory.values() for cross in encoded.cross):
            raise UnsupportedError(
                f"{path}: wanted keys and values of every layer, got states that layers share; encode what is to be "
                "saved without attention 'top-k-shared'"
            )
        tensors = {
            f"{_row(row, name)}.{layer}.{part}": tensor
            for row, memory in enumerate(flat)
            for name, encoded in memory.items()
            for layer, cross in enumerate(encoded.cross)
            for part, tensor in (("k", cross.k), ("v", cross.v))
        }
        about = _About(
            texts=list(self.texts),
            segments=[list(spans) for spans in self.segments],
            layers=max((len(encoded.cross) for memory in flat for encoded in memory.values()), default=0),
            fingerprint=self.fingerprint,
            single=self.single,
            said=list(self.said),
        )
        try:
            with whole_file(Path(path)) as part_path:
                write_tensors(part_path, tensors, metadata={_ABOUT: about.model_dump_json()})
        except OSError as error:
            raise DataError(
                f"{path}: wanted to write an encoded source, got: {error}; make room or choose another place"
            ) from error

    @staticmethod
    def load(path: str | Path) -> EncodedSource:
        """What `save` wrote. Raises DataError for any other file.

        Keys and values stay in the file until attention reads them; who translates from a file that has gone or changed
        since gets a DataError.
        """
        try:
            origin = MappedFile.of(path)
            with safe_open(path, framework="pt") as file:
                about = _About.model_validate_json((file.metadata() or {})[_ABOUT])
                memories = tuple(_memories(file, about, origin))
        except (OSError, KeyError, IndexError, ValueError, SafetensorError) as error:
            raise DataError(
                f"{path}: wanted an encoded source, got: {error}; write it again with EncodedSource.save"
            ) from error
        return EncodedSource(
            texts=tuple(about.texts),
            segments=tuple(tuple(spans) for spans in about.segments),
            memories=memories,
            fingerprint=about.fingerprint,
            single=about.single,
            said=tuple(about.said),
        )


def _named(memory: Memory) -> Mapping[str, Encoded]:
    """What was encoded, by source; of a model of one source it has no name."""
    if isinstance(memory, EncodedSources):
        return memory.sources
    if isinstance(memory, Encoded):
        return {"": memory}
    raise UnsupportedError("only sources that a Transformer encoded can be saved; keep the text instead")


def _row(row: int, name: str) -> str:
    return f"{row}.{name}" if name else str(row)


def _memories(file: Any, about: _About, origin: MappedFile) -> Iterator[tuple[Any, ...]]:
    """For each text the memories of its segments."""
    row = 0
    for place, spans in enumerate(about.segments):
        names = list(about.said[place]) if about.said else [""]
        found: list[Any] = []
        for _ in spans:
            encoded = {name: _read(file, _row(row, name), about.layers, origin) for name in names}
            found.append(EncodedSources(encoded) if about.said else encoded[""])
            row += 1
        yield tuple(found)


def _read(file: Any, row: str, layers: int, origin: MappedFile) -> Encoded:
    pairs = [(file.get_tensor(f"{row}.{layer}.k"), file.get_tensor(f"{row}.{layer}.v")) for layer in range(layers)]
    keep = pairs[0][0].new_ones((1, pairs[0][0].shape[2]), dtype=bool)
    return Encoded(tuple(KeyValues(k, v, padding(keep), origin=origin) for k, v in pairs), keep)
