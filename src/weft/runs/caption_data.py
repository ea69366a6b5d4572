"""What a captioner's recipe reads: tokenizer, pictures with their captions, and development pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from weft.base.errors import DataError
from weft.data.captions import CaptionBatches, Captions
from weft.data.columns import PictureColumn
from weft.data.image import Image
from weft.data.pictures import Pictures
from weft.data.pixels import Augmentation
from weft.data.ragged import Ragged
from weft.data.tokenizer import Tokenizer
from weft.models.source import Picture
from weft.runs.data import DevPair, file_names, kept_tokenizer
from weft.runs.pairs import Captioned, captioned, name_of
from weft.runs.recipe import PairSource, Recipe
from weft.training.team import Team


@dataclass(frozen=True)
class DevPicture:
    """What people say of a development picture, and the tag of their language; its number counts them."""

    name: str
    references: tuple[str, ...]
    tag: int


@dataclass(frozen=True)
class CaptionData:
    """All that a run reads from files."""

    tokenizer: Tokenizer
    captions: Captions
    dev: tuple[DevPicture, ...]
    dev_pictures: PictureColumn
    """The development pictures, a row for each."""
    files: dict[str, Path]
    reports: dict[str, str]
    captions_each: int | None = None
    """How many captions of a picture an epoch reads; None: all."""
    short_first: int = 0
    """How many epochs leave out the pictures with the longest captions."""
    dev_pairs: tuple[DevPair, ...] = ()

    def batches(self, *, tokens: int, seed: int) -> CaptionBatches:
        """Training batches of so many positions."""
        return CaptionBatches(
            self.captions, tokens=tokens, seed=seed, each=self.captions_each, short_first=self.short_first
        )


def read_caption_data(
    recipe: Recipe, out: Path, data: Path, *, team: Team, init: str | None, resume: bool
) -> CaptionData:
    """Reads and tokenises; every picture is decoded once. The tokenizer is kept in the run folder.

    Raises ConfigError and DataError as `captioned` does.
    """
    side = _picture(recipe).height
    sets = [(source, captioned(source, data, side=side)) for source in recipe.data.train]
    texts = (text for _, rows in sets for one in rows for text in one.captions)
    tokenizer = kept_tokenizer(recipe, out, texts, team=team, init=init, resume=resume)
    dev = [(source, one) for source in recipe.data.dev for one in captioned(source, data, side=side)]
    dev = dev[: recipe.validation.rows]
    sources = (*recipe.data.train, *recipe.data.dev)
    return CaptionData(
        tokenizer,
        _captions(recipe, tokenizer, sets),
        tuple(DevPicture(one.name, tuple(one.captions), tokenizer.tag(source.to)) for source, one in dev),
        picture_column(recipe, _picture(recipe), [one.picture for _, one in dev]),
        {name: data / name for source in sources for name in file_names(source)},
        {name_of(source): f"{len(rows)} pictures" for source, rows in sets},
        recipe.data.captions_each,
        recipe.data.short_first,
    )


def _captions(recipe: Recipe, tokenizer: Tokenizer, sets: Sequence[tuple[PairSource, list[Captioned]]]) -> Captions:
    """Every caption as a row of its own."""
    pictures = [(one, tokenizer.tag(source.to)) for source, rows in sets for one in rows]
    counts = [len(one.captions) for one, _ in pictures]
    if not sum(counts):
        raise DataError(f"{recipe.data.train[0].path}: wanted at least one caption, got none; check the columns")
    column = picture_column(
        recipe,
        _picture(recipe),
        [one.picture for one, _ in pictures],
        number=np.repeat(np.arange(len(pictures)), counts),
        augmentation=recipe.data.pixels.augmentation,
    )
    texts = [text for one, _ in pictures for text in one.captions]
    tags = np.repeat(np.array([tag for _, tag in pictures], np.int64), counts)
    return Captions(column, Ragged.of(tokenizer.encode_batch(texts)), tags)


def _picture(recipe: Recipe) -> Picture:
    return cast(Picture, recipe.model_config_for(recipe.tokenizer.vocabulary_size).source)


def picture_column(
    recipe: Recipe,
    picture: Picture,
    pictures: Sequence[Path | Image],
    *,
    number: np.ndarray | None = None,
    augmentation: Augmentation | None = None,
) -> PictureColumn:
    """The pictures as the recipe's model reads them, a row for each unless `number` says otherwise."""
    size, how = (picture.height, picture.width), recipe.data.pixels
    return PictureColumn(
        Pictures([]) if how.blind else Pictures.read(pictures, size=size),
        np.arange(len(pictures)) if number is None else number,
        how.pixels(*size),
        (picture.patch_height, picture.patch_width),
        size,
        augmentation=augmentation or Augmentation(),
        seed=recipe.seed,
        blind=how.blind,
    )
