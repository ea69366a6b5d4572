"""Encoded sources as values: held, reused for other languages, beams and prefixes, saved and loaded."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator
from safetensors import SafetensorError, safe_open

from weft.attention.masks import padding
from weft.attention.protocol import KeyValues
from weft.base.errors import ConfigError, DataError, UnsupportedError
from weft.models.decoder import Encoded
from weft.store.atomic import whole_file
from weft.store.mapped import MappedFile
from weft.store.tensors import write_tensors
from weft.translating.memory_cache import Memory
from weft.translating.segments import Span

_ABOUT = "weft.translating.encoded_source"


class _About(BaseModel):
    """What a file says of itself beside its tensors."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    texts: list[str]
    segments: list[list[tuple[int, int]]]
    layers: int
    fingerprint: str
    single: bool

    @model_validator(mode="after")
    def _segments_of_texts(self) -> _About:
        for text, spans in zip(self.texts, self.segments, strict=True):
            places = [0, *(place for span in spans for place in span), len(text)]
            if places != sorted(places):
                raise ValueError(f"wanted segments in a text of {len(text)} code points, got {spans}")
        return self


@dataclass(frozen=True)
class EncodedSource:
    """Texts that one model has read: for each segment of each text its projected keys and values, without padding.

    It belongs to the model whose `fingerprint` it carries, and to no target language, beam or prefix.
    """

    texts: tuple[str, ...]
    segments: tuple[tuple[Span, ...], ...]
    """For each text the half-open spans of the stretches that are translated one by one."""
    memories: tuple[tuple[Memory, ...], ...]
    """For each text, for each of its segments, a memory of one row."""
    fingerprint: str
    single: bool = False
    """Whether it was made of one text rather than a list, so that its translation is one too."""

    def check(self, fingerprint: str) -> None:
        """Raises ConfigError unless it was encoded by the model with this fingerprint."""
        if fingerprint != self.fingerprint:
            raise ConfigError(
                f"wanted a source that this model ({fingerprint[:12]}...) encoded, got one of another model "
                f"({self.fingerprint[:12]}...); encode it with the model that translates it"
            )

    def save(self, path: str | Path) -> None:
        """Writes one safetensors file, whole or not at all. Raises DataError if it cannot be written."""
        flat = [_transformer(memory) for memories in self.memories for memory in memories]
        tensors = {
            f"{row}.{layer}.{part}": tensor
            for row, memory in enumerate(flat)
            for layer, cross in enumerate(memory.cross)
            for part, tensor in (("k", cross.k), ("v", cross.v))
        }
        about = _About(
            texts=list(self.texts),
            segments=[list(spans) for spans in self.segments],
            layers=len(flat[0].cross) if flat else 0,
            fingerprint=self.fingerprint,
            single=self.single,
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
                rows = range(sum(map(len, about.segments)))
                memories = iter([_read(file, row, about.layers, origin) for row in rows])
        except (OSError, KeyError, IndexError, ValueError, SafetensorError) as error:
            raise DataError(
                f"{path}: wanted an encoded source, got: {error}; write it again with EncodedSource.save"
            ) from error
        return EncodedSource(
            texts=tuple(about.texts),
            segments=tuple(tuple(spans) for spans in about.segments),
            memories=tuple(tuple(islice(memories, len(spans))) for spans in about.segments),
            fingerprint=about.fingerprint,
            single=about.single,
        )


def _transformer(memory: Memory) -> Encoded:
    if not isinstance(memory, Encoded):
        raise UnsupportedError("only sources that a Transformer encoded can be saved; keep the text instead")
    return memory


def _read(file: Any, row: int, layers: int, origin: MappedFile) -> Encoded:
    pairs = [(file.get_tensor(f"{row}.{layer}.k"), file.get_tensor(f"{row}.{layer}.v")) for layer in range(layers)]
    keep = pairs[0][0].new_ones((1, pairs[0][0].shape[2]), dtype=bool)
    return Encoded(tuple(KeyValues(k, v, padding(keep), origin=origin) for k, v in pairs), keep)
