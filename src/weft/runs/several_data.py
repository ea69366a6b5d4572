"""What the recipe of a model of several sources reads: tokenizer, training rows and development rows."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from weft.base.errors import ConfigError, DataError
from weft.base.validate import nearest
from weft.data.clean import Cleaner
from weft.data.columns import NO_PICTURE, Column, TextColumn
from weft.data.dropout import Cuts, CutTexts
from weft.data.mixture import Tours
from weft.data.pixels import Augmentation
from weft.data.ragged import Ragged, Sequences
from weft.data.several import SeveralBatches, SeveralRows
from weft.data.tokenizer import Tokenizer
from weft.models.config import ModelConfig
from weft.models.source import Picture
from weft.runs.caption_data import picture_column
from weft.runs.data import DevPair, file_names, kept_tokenizer
from weft.runs.pairs import name_of
from weft.runs.recipe import PairSource, Recipe
from weft.runs.several_rows import SeveralRow, several_rows
from weft.training.team import Team
from weft.translating.looking import text_alone

_log = logging.getLogger(__name__)

Tagged = tuple[SeveralRow, int]
"""A row and the tag of its target's language."""


@dataclass(frozen=True)
class SeveralData:
    """All that a run reads from files."""

    tokenizer: Tokenizer
    rows: SeveralRows
    dev: SeveralRows | None
    dev_rows: tuple[SeveralRow, ...]
    """The rows of `dev` as they were read."""
    files: dict[str, Path]
    reports: dict[str, str]
    text: str | None
    """The text that the model can read alone; see `looking.text_alone`."""

    @property
    def dev_pairs(self) -> tuple[DevPair, ...]:
        """Development rows as pairs of that text and the target, where they have it."""
        if self.text is None or self.dev is None:
            return ()
        rows = zip(self.dev_rows, self.dev.tags.tolist(), strict=True)
        return tuple(
            DevPair(row.texts[self.text], row.target, tag) for row, tag in rows if row.texts.get(self.text, "").strip()
        )

    def batches(self, *, tokens: int, seed: int) -> SeveralBatches:
        """Training batches of so many positions."""
        return SeveralBatches(self.rows, tokens=tokens, seed=seed)


def read_several_data(
    recipe: Recipe, out: Path, data: Path, *, team: Team, init: str | None, resume: bool
) -> SeveralData:
    """Reads, cleans and tokenises; every picture is decoded once. The tokenizer is kept in the run folder.

    Raises ConfigError for what cannot be had with several sources, ConfigError and DataError as `several_rows` does.
    """
    _check(recipe)
    config = recipe.model_config_for(recipe.tokenizer.vocabulary_size)
    sets = [(one, several_rows(one, data, sources=config.sources, seed=recipe.seed)) for one in recipe.data.train]
    texts = (text for _, rows in sets for row in rows for text in (*row.texts.values(), row.target))
    tokenizer = kept_tokenizer(recipe, out, texts, team=team, init=init, resume=resume)
    reports: dict[str, str] = {}
    kept: list[tuple[PairSource, list[Tagged]]] = []
    for source, rows in sets:
        cleaner = Cleaner(recipe.data.cleaning)
        own = [(row, tokenizer.tag(source.to)) for row in _cleaned(rows, tokenizer, cleaner)]
        kept += [(source, own)] if own else []
        reports[name_of(source)] = str(cleaner.report)
        _log.info("%s: %s", name_of(source), cleaner.report)
    if not kept:
        raise DataError(f"{recipe.data.train[0].path}: wanted at least one row, got none; check files and cleaning")
    dev = _dev(recipe, data, config, tokenizer)
    tours = Tours(
        [len(own) for _, own in kept],
        seed=recipe.seed,
        weights=[source.weight for source, _ in kept],
        temperature=recipe.data.temperature,
    )
    train = [row for _, own in kept for row in own]
    return SeveralData(
        tokenizer,
        replace(_several(recipe, config, train, tokenizer, training=True), tours=tours),
        _several(recipe, config, dev, tokenizer, training=False) if dev else None,
        tuple(row for row, _ in dev),
        {name: data / name for source in (*recipe.data.train, *recipe.data.dev) for name in file_names(source)},
        reports,
        text_alone(config),
    )


def _check(recipe: Recipe) -> None:
    sources = recipe.model_config_for(recipe.tokenizer.vocabulary_size).sources
    for name in recipe.data.withhold:
        if name not in sources:
            raise ConfigError(f"data.withhold: the model has no source {name}; {nearest(name, list(sources))}")
        if sources[name].required:
            raise ConfigError(f"data.withhold: source {name} is required, so it cannot be withheld; leave it out")


def _cleaned(rows: Sequence[SeveralRow], tokenizer: Tokenizer, cleaner: Cleaner) -> Iterator[SeveralRow]:
    """The rows whose first text and target are fit to train on, and none of whose texts is too long."""
    fit = [row for row in rows if cleaner.accepts_text(row.first_text, row.target)]
    targets = tokenizer.encode_batch([row.target for row in fit])
    firsts = tokenizer.encode_batch([row.first_text for row in fit])
    for row, first, target in zip(fit, firsts, targets, strict=True):
        if cleaner.accepts_tokens(len(first), len(target)):
            yield row


def _dev(recipe: Recipe, data: Path, config: ModelConfig, tokenizer: Tokenizer) -> list[Tagged]:
    found = [
        (row, tokenizer.tag(source.to))
        for number, source in enumerate(recipe.data.dev)
        for row in several_rows(source, data, sources=config.sources, seed=recipe.seed + number)
    ]
    return found[: recipe.validation.rows]


def _several(
    recipe: Recipe, config: ModelConfig, rows: Sequence[Tagged], tokenizer: Tokenizer, *, training: bool
) -> SeveralRows:
    columns: dict[str, Column] = {}
    cut = _cutter(recipe, tokenizer, training=training)
    for number, (name, one) in enumerate(config.sources.items()):
        if isinstance(one.reads, Picture):
            columns[name] = _pictures(recipe, name, one.reads, rows, training=training)
        else:
            columns[name] = TextColumn(cut([row.texts.get(name, "") for row, _ in rows], number + 1))
    return SeveralRows(
        columns,
        cut([row.target for row, _ in rows], 0),
        np.array([tag for _, tag in rows], np.int64),
        frozenset(name for name, one in config.sources.items() if not isinstance(one.reads, Picture)),
        recipe.data.withhold if training else {},
        recipe.seed,
    )


def _cutter(recipe: Recipe, tokenizer: Tokenizer, *, training: bool) -> Callable[[list[str], int], Sequences]:
    """What makes token ids of texts, the same in every epoch unless training asks for BPE dropout; the number tells the
    texts of a row from each other."""
    if not training or not recipe.tokenizer.dropout:
        return lambda texts, _: Ragged.of(tokenizer.encode_batch(texts))
    cuts = Cuts(tokenizer, probability=recipe.tokenizer.dropout, seed=recipe.seed)
    return lambda texts, side: CutTexts(texts, cuts, side=side, seed=recipe.seed)


def _pictures(recipe: Recipe, name: str, picture: Picture, rows: Sequence[Tagged], *, training: bool) -> Column:
    """The picture of each row, files that several rows name decoded once."""
    paths = list(dict.fromkeys(row.pictures[name] for row, _ in rows if name in row.pictures))
    numbers = {path: number for number, path in enumerate(paths)}
    number = [numbers.get(row.pictures.get(name, Path()), NO_PICTURE) for row, _ in rows]
    changes = recipe.data.pixels.augmentation if training else Augmentation()
    return picture_column(recipe, picture, paths, number=np.array(number, np.int64), augmentation=changes)
