"""The life of a picture: pixels -> patches -> memory -> hypotheses -> text, and where it was looked at on the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from weft.alignment.confidence import confidences
from weft.alignment.settings import AlignmentSettings
from weft.alignment.side import Side
from weft.base.errors import ConfigError, UnsupportedError
from weft.base.padded import Padded
from weft.base.shapes import Tensor
from weft.data.direction import Direction
from weft.data.image import Image, patches, read_picture
from weft.data.open_picture import PictureLike
from weft.generation.hypothesis import Hypothesis
from weft.generation.search import search
from weft.generation.settings import SearchSettings
from weft.models.config import ModelConfig
from weft.models.source import Picture
from weft.store import names
from weft.store.config import ANY
from weft.store.folder import StoredModel
from weft.translating.answering import check_computed, written
from weft.translating.caption import Caption, CaptionHypothesis
from weft.translating.picture_heat import looking_at, token_heat, window, word_heat

BATCH = 32
"""Pictures that are described together."""


@dataclass(frozen=True)
class OpenedPicture:
    """A picture that was read, and what it is called."""

    name: str
    pixels: Image

    @staticmethod
    def of(image: PictureLike | OpenedPicture) -> OpenedPicture:
        """A picture that is not opened yet is. Raises what `read_picture` does."""
        return image if isinstance(image, OpenedPicture) else OpenedPicture(_name(image), read_picture(image))


Images = list[Any] | tuple[Any, ...]
"""Several pictures, each in any form that one may have."""


class Captioner:
    """Describes pictures with one model."""

    def __init__(self, stored: StoredModel) -> None:
        """Raises UnsupportedError for a model that reads no pictures, naming those that do."""
        self.name, self.pixels = stored.folder.name, stored.config.pixels
        self.picture = picture_of(stored.config.model, self.name)
        if self.pixels is None:
            raise ConfigError(f"{stored.folder}: wanted how pictures become numbers, got no pixels in config.json")
        self.model: Any = stored.model
        self.stored, self.tokenizer = stored, stored.tokenizer

    def caption(
        self,
        images: Images | PictureLike | OpenedPicture,
        *,
        to: str | None = None,
        settings: SearchSettings,
        explain: bool | AlignmentSettings = False,
    ) -> Caption | list[Caption]:
        """A caption for a picture, or for each of several in their order, a batch at a time.

        With `explain` also where the model looked, read as the model says or as the settings do. Raises what
        `read_picture` does for what is no picture.
        """
        direction = self._direction(to)
        seen = looking_at(self.stored.config) if explain is True else explain or None
        if direction.first is not None:
            settings = replace(settings, forced_first=direction.first)
        given = images if isinstance(images, list | tuple) else [images]
        pictures = [OpenedPicture.of(image) for image in given]
        found = [
            one
            for first in range(0, len(pictures), BATCH)
            for one in self._batch(pictures[first : first + BATCH], direction, settings, seen)
        ]
        return found if given is images else found[0]

    def _direction(self, to: str | None) -> Direction:
        """What stands around a caption's ids in this language; ConfigError names the choices if it is not clear."""
        choices = [pair.to for pair in self.stored.config.languages]
        if to is None and len(choices) > 1:
            raise ConfigError(f"model {self.name} writes {', '.join(choices)}; choose one with to")
        if to is not None and to not in choices and ANY not in choices:
            raise ConfigError(f"model {self.name} writes {', '.join(choices)}, got {to!r}; choose one of these")
        return self.tokenizer.direction(to or choices[0])

    @torch.inference_mode()
    def _batch(
        self,
        pictures: Sequence[OpenedPicture],
        direction: Direction,
        settings: SearchSettings,
        seen: AlignmentSettings | None,
    ) -> Iterator[Caption]:
        source = self._read(pictures)
        start = torch.full((len(pictures),), direction.start, device=source.keep.device)
        result = search(
            self.model,
            self.model.encode(source),
            start=start,
            source_lengths=torch.zeros_like(start),  # what is said does not grow with the patches
            eos=direction.eos,
            settings=settings,
        )
        check_computed(result)
        heat = iter(self._heat(source, result.hypotheses, direction, seen))
        for picture, ranked in zip(pictures, result.hypotheses, strict=True):
            found = tuple(self._hypothesis(hypothesis, next(heat)) for hypothesis in ranked)
            yield self._caption(picture, found, explained=seen is not None)

    def _read(self, pictures: Sequence[OpenedPicture]) -> Padded:
        assert self.pixels is not None
        parameter = next(self.model.parameters())
        size = (self.picture.patch_height, self.picture.patch_width)
        source = patches([picture.pixels for picture in pictures], self.pixels, patch=size)
        return source.with_values(source.values.to(parameter.dtype)).to(parameter.device)

    def _heat(
        self,
        source: Padded,
        hypotheses: Sequence[Sequence[Hypothesis]],
        direction: Direction,
        seen: AlignmentSettings | None,
    ) -> Sequence[Tensor | None]:
        """For each hypothesis of each picture the heat of its tokens; None if nobody wants to see."""
        flat = [(row, self._plain(one, direction)) for row, ranked in enumerate(hypotheses) for one in ranked]
        if seen is None:
            return [None] * len(flat)
        return token_heat(self.model, source, flat, picture=self.picture, direction=direction, settings=seen)

    def _plain(self, hypothesis: Hypothesis, direction: Direction) -> tuple[int, ...]:
        """The tokens of a hypothesis but for what every one begins with, and for `</s>`."""
        end = len(hypothesis.tokens) - int(hypothesis.finished)
        return hypothesis.tokens[int(direction.first is not None) : end]

    def _hypothesis(self, found: Hypothesis, heat: Tensor | None) -> CaptionHypothesis:
        side: Side = written(found.tokens, self.tokenizer.target)
        return CaptionHypothesis(
            side.text,
            found.score,
            found.log_probability,
            confidences(side, found.token_log_probabilities),
            None if heat is None else word_heat(heat, side),
        )

    def _caption(self, picture: OpenedPicture, found: tuple[CaptionHypothesis, ...], *, explained: bool) -> Caption:
        assert self.pixels is not None
        best, (height, width) = found[0], picture.pixels.shape[:2]
        return Caption(
            best.text,
            best.score,
            best.log_probability,
            best.words,
            best.heat,
            image=picture.name,
            hypotheses=found,
            picture=picture.pixels if explained else None,
            window=window((height, width), self.pixels, self.picture),
        )


def picture_of(config: ModelConfig, name: str) -> Picture:
    """What pictures a model reads; UnsupportedError that names models that do for one that reads none."""
    if isinstance(config.source, Picture):
        return config.source
    others = [model.name for model in names.available() if model.reads == "picture"]
    raise UnsupportedError(
        f"model {name} reads {config.source.modality}, not pictures; choose a model that reads pictures: "
        f"{', '.join(others) or 'train one, for instance by recipes/scenes-captioner.toml'}"
    )


def _name(image: PictureLike) -> str:
    if isinstance(image, str | Path):
        return str(image)
    return {"bytes": "bytes", "ndarray": "array"}.get(type(image).__name__, "picture")
