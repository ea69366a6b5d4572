"""Encoded sources as values: held, reused for other languages, beams and prefixes, saved and loaded."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from weft.attention.masks import Padding
from weft.attention.protocol import KeyValues
from weft.base.errors import DataError, UnsupportedError
from weft.models.decoder import Encoded
from weft.store.atomic import whole_file


@dataclass(frozen=True)
class EncodedSource:
    """Texts that one model has read: for each segment of each text its projected keys and values, without padding.

    It belongs to the model whose `fingerprint` it carries, and to no target language, beam or prefix.
    """

    texts: tuple[str, ...]
    memories: tuple[tuple[Encoded, ...], ...]
    """For each text, for each of its segments, a memory of one row."""
    fingerprint: str
    single: bool = False
    """Whether it was made of one text rather than a list, so that its translation is one too."""

    def save(self, path: str | Path) -> None:
        """Writes one safetensors file, whole or not at all."""
        flat = [memory for memories in self.memories for memory in memories]
        if not all(isinstance(memory, Encoded) for memory in flat):
            raise UnsupportedError("only sources that a Transformer encoded can be saved; keep the text instead")
        tensors = {
            f"{row}.{layer}.{part}": tensor.contiguous()
            for row, memory in enumerate(flat)
            for layer, cross in enumerate(memory.cross)
            for part, tensor in (("k", cross.k), ("v", cross.v))
        }
        about = {
            "texts": list(self.texts),
            "segments": [len(memories) for memories in self.memories],
            "layers": len(flat[0].cross) if flat else 0,
            "fingerprint": self.fingerprint,
            "single": self.single,
        }
        with whole_file(Path(path)) as part_path:
            save_file(tensors, part_path, metadata={"weft.encoded_source": json.dumps(about)})

    @staticmethod
    def load(path: str | Path) -> EncodedSource:
        """What `save` wrote. Raises DataError for any other file."""
        try:
            with safe_open(path, framework="pt") as file:
                about = json.loads((file.metadata() or {})["weft.encoded_source"])
                rows = range(sum(about["segments"]))
                memories = iter([_read(file, row, about["layers"]) for row in rows])
        except (OSError, KeyError, ValueError, SafetensorError) as error:
            raise DataError(
                f"{path}: wanted an encoded source, got: {error}; write it again with EncodedSource.save"
            ) from error
        grouped = tuple(tuple(next(memories) for _ in range(count)) for count in about["segments"])
        return EncodedSource(tuple(about["texts"]), grouped, about["fingerprint"], about["single"])


def _read(file: safe_open, row: int, layers: int) -> Encoded:
    pairs = [(file.get_tensor(f"{row}.{layer}.k"), file.get_tensor(f"{row}.{layer}.v")) for layer in range(layers)]
    keep = pairs[0][0].new_ones((1, pairs[0][0].shape[2]), dtype=bool)
    return Encoded(tuple(KeyValues(k, v, Padding(keep)) for k, v in pairs), keep)
