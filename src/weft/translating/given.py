"""What one input gives a model of several sources: texts and pictures by name, checked, and as batches."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import torch

from weft.alignment.side import Side
from weft.base.errors import ConfigError
from weft.base.padded import Padded, pad
from weft.base.shapes import Tensor
from weft.base.sources import Part
from weft.base.validate import nearest
from weft.data.direction import Direction
from weft.data.image import cut, numbers
from weft.data.open_picture import PictureLike
from weft.data.pixels import Pixels
from weft.data.tokenizer import Encoding
from weft.models.decoder import Encoded
from weft.models.source import Picture
from weft.store.folder import StoredModel
from weft.translating.captioning import OpenedPicture
from weft.translating.encoded_source import EncodedSource
from weft.translating.segments import Segment, Source

Given: TypeAlias = Mapping[str, "PictureLike | OpenedPicture | EncodedSource | None"]
"""Text or picture of each source by its name, or what was encoded of it; None, a blank text and a name left out are a
source that is missing."""


@dataclass(frozen=True)
class Read:
    """One input as the model reads it: each text whole, the patches `[s c p q]` of each picture."""

    texts: Mapping[str, Segment]
    patches: Mapping[str, Tensor]
    names: Mapping[str, str]
    """What each picture is called, where it has a name."""
    encoded: Mapping[str, Encoded] = field(default_factory=dict)
    """What was encoded before, of texts and of pictures; such a picture has no patches."""

    def has(self, name: str) -> bool:
        """Whether there is such a source."""
        return name in self.texts or name in self.patches or name in self.encoded

    @property
    def empty(self) -> bool:
        """Whether there is nothing to translate."""
        return not self.texts and not self.patches and not self.encoded

    @property
    def said(self) -> dict[str, str | None]:
        """Of each source that it has, its text or what its picture is called."""
        texts = {name: segment.text for name, segment in self.texts.items()}
        pictures = dict.fromkeys([*self.patches, *self.encoded])
        return {**pictures, **self.names, **texts}

    @property
    def content(self) -> Hashable:
        """What tells it from inputs that are translated otherwise."""
        texts = tuple((name, segment.text) for name, segment in self.texts.items())
        pictures = tuple((name, picture.numpy().tobytes()) for name, picture in self.patches.items())
        return texts, pictures, tuple((name, id(one)) for name, one in self.encoded.items() if name not in self.texts)

    @property
    def reads(self) -> str:
        """The source that links lead to: its first text. One without a text has no links, wherever they are read."""
        return next(iter({**self.texts, **self.patches, **self.encoded}))

    @property
    def side(self) -> Side:
        """Its first text; nothing if it has none."""
        return next((segment.side for segment in self.texts.values()), Side("", (), ()))

    @property
    def source(self) -> Source:
        """Its first text as one segment that is translated whole; no segment if there is nothing to translate."""
        if self.empty:
            return Source("", ())
        nothing = Segment(0, "", Encoding([], []))
        segment = next(iter(self.texts.values()), nothing)
        return Source(segment.text, (segment,))

    def length(self, direction: Direction) -> int:
        """The ids of its longest text, as its encoder reads it; 0 where it has no text."""
        return max((segment.length(direction) for segment in self.texts.values()), default=0)

    def key(self, name: str, direction: Direction) -> tuple[Any, ...]:
        """What tells one of its sources from others."""
        if name in self.texts:
            return (name, *direction.source(self.texts[name].tokens.ids))
        return (name, self.patches[name].numpy().tobytes() if name in self.patches else id(self.encoded[name]))


class Reader:
    """Reads inputs for one model."""

    def __init__(self, stored: StoredModel) -> None:
        self.sources, self.tokenizer = stored.config.model.sources, stored.tokenizer
        self.fingerprint = stored.fingerprint
        self.pictures = {name: one.reads for name, one in self.sources.items() if isinstance(one.reads, Picture)}
        self.texts = [name for name in self.sources if name not in self.pictures]
        self._pixels = stored.config.pixels or Pixels()

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

    def read(self, given: Given, *, partial: bool = False) -> Read:
        """The input, tokenised and cut; with `partial` a required source may be missing.

        Where everything is blank, nothing is missing: there is nothing to translate. Raises ConfigError for an unknown
        or missing source and what another model encoded, DataError for a picture that cannot be read.
        """
        there = {name: one for name, one in given.items() if one is not None and not _blank(one)}
        for name in given:
            if name not in self.sources:
                raise ConfigError(f"this model has no source {name}; {nearest(name, list(self.sources))}")
        for name, one in self.sources.items() if there and not partial else ():
            if one.required and name not in there:
                raise ConfigError(
                    f"this model wants its source {name} for every input, got {', '.join(there) or 'none'}; give it too"
                )
        encoded = {name: self._encoded(name, one) for name, one in there.items() if isinstance(one, EncodedSource)}
        said = there | {name: one.said[0][name] for name, one in encoded.items()}
        pictures = [name for name in self.pictures if name in said]
        return Read(
            {name: Segment.whole(str(said[name]), self.tokenizer) for name in self.texts if name in said},
            {name: self._patches(name, there[name]) for name in pictures if name not in encoded},
            {name: called for name in pictures if (called := _name(said[name])) is not None},
            {name: one.memories[0][0].sources[name] for name, one in encoded.items()},
        )

    def reread(self, encoded: EncodedSource) -> list[Read]:
        """The inputs that were encoded. Raises ConfigError if another model did it, or a required source is missing."""
        encoded.check(self.fingerprint)
        alone = [encoded.row(place) for place in range(len(encoded.texts))]
        return [self.read(dict.fromkeys(one.said[0], one)) for one in alone]

    def part(self, name: str, rows: Sequence[Read], direction: Direction) -> Part:
        """One source of inputs that all have it, as a batch."""
        if name in self.texts:
            return pad([direction.source(row.texts[name].tokens.ids) for row in rows])
        values = torch.stack([row.patches[name] for row in rows])
        return Padded(values, torch.ones(values.shape[:2], dtype=torch.bool))

    def _encoded(self, name: str, given: EncodedSource) -> EncodedSource:
        given.check(self.fingerprint)
        if len(given.said) != 1 or name not in given.said[0]:
            got = f"{len(given.said)} inputs" if len(given.said) != 1 else ", ".join(given.said[0])
            raise ConfigError(
                f"source {name} wants one encoded input that has it, got {got}; encode({{{name!r}: ...}}) makes one"
            )
        return given

    def _patches(self, name: str, given: Any) -> Tensor:
        shape = self.pictures[name]
        how = self._pixels.model_copy(update={"size": (shape.height, shape.width)})
        return cut(numbers(OpenedPicture.of(given).pixels, how), patch=(shape.patch_height, shape.patch_width))


def _name(given: Any) -> str | None:
    """What a picture is called, if it has a name."""
    if isinstance(given, OpenedPicture):
        return given.name
    return str(given) if isinstance(given, str | Path) else None


def _blank(given: Any) -> bool:
    return isinstance(given, str) and not given.strip()
