"""Inputs of several sources for one model: read, encoded source by source, with targets forced on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch

from weft.attention.record import Record
from weft.base.errors import ConfigError, DataError
from weft.base.shapes import Int, Tensor
from weft.data.direction import Direction
from weft.data.open_picture import PictureLike
from weft.models.decoder import Encoded
from weft.models.several import EncodedSources, SeveralSources
from weft.store.folder import StoredModel
from weft.translating.encoded_source import EncodedSource
from weft.translating.forcing import Writer
from weft.translating.given import Given, Read, Reader
from weft.translating.memory_cache import MemoryCache


class Several:
    """Reads and encodes the sources of inputs, each on its own; what was encoded lately is kept, source by source."""

    def __init__(self, stored: StoredModel, cache: MemoryCache) -> None:
        self.model, self.reader, self.cache = cast(SeveralSources, stored.model), Reader(stored), cache
        self.config = stored.config.model
        parameter = next(stored.model.parameters())
        self.device, self.dtype = parameter.device, parameter.dtype

    def inputs(
        self,
        text: str | Given | EncodedSource | Sequence[str | Given],
        image: PictureLike | Sequence[PictureLike | None] | None = None,
        *,
        partial: bool = False,
    ) -> list[Read]:
        """Inputs as the model reads them; one image for one input, or an image or None for each.

        Raises ConfigError if there are as many images as there should not be, and what `Reader.read` does.
        """
        if isinstance(text, EncodedSource):
            if image is not None:
                raise ConfigError("an image wants inputs that are not encoded yet, got encoded ones; encode it too")
            return self.reader.reread(text)
        texts = list(text) if isinstance(text, list | tuple) else [cast("str | Given", text)]
        alone = not isinstance(image, list | tuple)
        images = [cast("PictureLike | None", image)] * len(texts) if alone else list(cast("list[Any]", image))
        if len(images) != len(texts):
            raise ConfigError(f"wanted an image (or None) for each of {len(texts)} inputs, got {len(images)}")
        named = [self.reader.named(one, own) for one, own in zip(texts, images, strict=True)]
        return [self.reader.read(one, partial=partial) for one in named]

    def scored(self, given: Sequence[str | Given]) -> list[Read]:
        """Inputs that have something, so that a target can be forced on them. Raises DataError for one without."""
        rows = self.inputs(given)
        for place, row in enumerate(rows, start=1):
            if row.empty:
                raise DataError(
                    f"pair {place}: wanted one of the sources {', '.join(self.reader.sources)}, got none; give one or "
                    "leave the pair out"
                )
        return rows

    @torch.inference_mode()
    def memory(self, inputs: Sequence[Read], direction: Direction) -> EncodedSources:
        """One memory of all inputs, of the sources that one of them has, in the order of the model."""
        found = {name: self._of_source(name, inputs, direction) for name in self.reader.sources}
        return EncodedSources({name: encoded for name, encoded in found.items() if encoded is not None})

    def writer(self, inputs: Sequence[Read], direction: Direction) -> Writer:
        """The model made to write targets of these inputs."""

        def write(rows: Sequence[int], heard: Int[Tensor, "b t"], *, record: Record | None, scored: bool) -> Tensor:
            memory = self.memory([inputs[row] for row in rows], direction)
            states = self.model.read(memory, heard.to(self.device), record)
            return cast(Tensor, self.model.out(states)) if scored else states

        return write

    def _of_source(self, name: str, inputs: Sequence[Read], direction: Direction) -> Encoded | None:
        """The memory of one source in all inputs, some of which may lack it; None if all do."""
        places = [place for place, row in enumerate(inputs) if row.has(name)]
        if not places:
            return None
        rows = [inputs[place] for place in places]
        known = [one and one.to(self.device, self.dtype) for one in (row.encoded.get(name) for row in rows)]

        def encode(missing: list[int]) -> Encoded:
            part = self.reader.part(name, [rows[row] for row in missing], direction)
            return self.model.encode_source(name, part.to(self.device))

        found: Encoded = self.cache.filled([row.key(name, direction) for row in rows], known, encode)
        if len(places) == len(inputs):
            return found
        return found.among(torch.tensor(places, device=self.device), len(inputs))
