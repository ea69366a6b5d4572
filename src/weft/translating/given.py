"""What one input gives a model of several sources: texts and pictures by name, checked, and as batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import torch

from weft.base.errors import ConfigError
from weft.base.padded import Padded, pad
from weft.base.shapes import Tensor
from weft.base.sources import Part, Sources
from weft.base.validate import nearest
from weft.data.direction import Direction
from weft.data.image import cut, numbers, read_picture
from weft.data.open_picture import PictureLike
from weft.data.pixels import Pixels
from weft.data.text_tokenizer import TextTokenizer
from weft.models.config import ModelConfig
from weft.models.source import Picture
from weft.translating.segments import Segment

Given: TypeAlias = Mapping[str, "PictureLike | None"]
"""Text or picture of each source by its name; None, a blank text and a name left out are a source that is missing."""


@dataclass(frozen=True)
class Read:
    """One input as the model reads it: each text whole, the patches `[s c p q]` of each picture."""

    texts: Mapping[str, Segment]
    patches: Mapping[str, Tensor]
    names: Mapping[str, str]
    """What each picture is called, where it has a name."""

    @property
    def key(self) -> tuple[Any, ...]:
        """What tells it from inputs that are read otherwise."""
        texts = tuple((name, segment.text) for name, segment in self.texts.items())
        return (*texts, *((name, picture.numpy().tobytes()) for name, picture in self.patches.items()))

    @property
    def empty(self) -> bool:
        """Whether there is nothing to translate."""
        return not self.texts and not self.patches

    @property
    def longest(self) -> int:
        """Tokens of its longest text, with the end."""
        return max((len(segment.tokens.ids) + 1 for segment in self.texts.values()), default=0)


class Reader:
    """Reads inputs for one model."""

    def __init__(self, config: ModelConfig, tokenizer: TextTokenizer, pixels: Pixels | None) -> None:
        self.sources, self.tokenizer = config.sources, tokenizer
        self.pictures = {name: one.reads for name, one in self.sources.items() if isinstance(one.reads, Picture)}
        self.texts = [name for name in self.sources if name not in self.pictures]
        self._pixels = pixels or Pixels()

    def named(self, text: str | Given, image: PictureLike | None = None) -> dict[str, Any]:
        """An input by names: a bare text is the first one of the model, an image its only picture.

        Raises ConfigError where there is no such source, or several pictures.
        """
        given = {self.texts[0]: text} if isinstance(text, str) and self.texts else dict(text)  # type: ignore[arg-type]
        if image is None:
            return given
        if len(self.pictures) != 1:
            raise ConfigError(
                f"an image wants a model with one picture among its sources, got one of "
                f"{', '.join(self.sources)}; give its sources by name"
            )
        return {**given, next(iter(self.pictures)): image}

    def read(self, given: Given) -> Read:
        """The input, tokenised and cut. Raises ConfigError for an unknown or missing source, DataError for a picture
        that cannot be read. Where everything is blank, nothing is missing: there is nothing to translate."""
        there = {name: one for name, one in given.items() if one is not None and not _blank(one)}
        for name in given:
            if name not in self.sources:
                raise ConfigError(f"this model has no source {name}; {nearest(name, list(self.sources))}")
        for name, one in self.sources.items() if there else ():
            if one.required and name not in there:
                raise ConfigError(
                    f"this model wants its source {name} for every input, got {', '.join(there) or 'none'}; give it too"
                )
        texts = {name: str(there[name]) for name in self.texts if name in there}
        pictures = {name: there[name] for name in self.pictures if name in there}
        return Read(
            {name: Segment.of(text, (0, len(text)), self.tokenizer) for name, text in texts.items()},
            {name: self._patches(name, picture) for name, picture in pictures.items()},
            {name: str(picture) for name, picture in pictures.items() if isinstance(picture, str | Path)},
        )

    def batch(self, rows: Sequence[Read], direction: Direction) -> Sources:
        """The inputs as one batch; sources that none of them has are left out."""
        parts: dict[str, Part] = {}
        for name in self.sources:
            if name in self.pictures:
                found = [row.patches.get(name) for row in rows]
                parts |= {name: _stacked(found)} if any(one is not None for one in found) else {}
            elif any(name in row.texts for row in rows):
                ids = [direction.source(row.texts[name].tokens.ids) if name in row.texts else [] for row in rows]
                parts[name] = pad(ids)
        return Sources(parts)

    def _patches(self, name: str, given: PictureLike) -> Tensor:
        shape = self.pictures[name]
        how = self._pixels.model_copy(update={"size": (shape.height, shape.width)})
        return cut(numbers(read_picture(given), how), patch=(shape.patch_height, shape.patch_width))


def _stacked(found: Sequence[Tensor | None]) -> Padded:
    like = next(one for one in found if one is not None)
    values = torch.stack([torch.zeros_like(like) if one is None else one for one in found])
    keep = torch.tensor([one is not None for one in found])[:, None].expand(-1, len(like))
    return Padded(values, keep.contiguous())


def _blank(given: PictureLike) -> bool:
    return isinstance(given, str) and not given.strip()
