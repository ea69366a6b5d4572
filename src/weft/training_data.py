"""What a recipe reads: tokenizer, training examples and development pairs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from weft.base.errors import DataError
from weft.data.batch import Examples
from weft.data.corpus import PairCorpus
from weft.data.dropout import SubwordDropout
from weft.data.mixture import Mixture
from weft.data.text import read_aligned, read_pairs
from weft.data.tokenizer import Tokenizer
from weft.recipe import PairSource, Recipe
from weft.store.folder import load
from weft.training.team import Team

_log = logging.getLogger(__name__)
Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class DevPair:
    """A development pair and the tag of its target language."""

    source: str
    target: str
    tag: int


@dataclass(frozen=True)
class TrainingData:
    """All that a run reads from files."""

    tokenizer: Tokenizer
    corpora: tuple[PairCorpus, ...]
    examples: Examples
    dev: tuple[DevPair, ...]
    files: dict[str, Path]
    """Where each file lies, by the name that the recipe gives it."""


def read_training_data(
    recipe: Recipe, out: Path, data: Path, *, team: Team, init: str | None, resume: bool
) -> TrainingData:
    """Reads, cleans and tokenises. The tokenizer of a new run is trained, or that of `init`, and kept in its folder."""
    sources = recipe.data.train
    pairs = [_sampled(source, data, recipe.seed + number) for number, source in enumerate(sources)]
    folder = out / "tokenizer"
    if team.leads and not resume:
        folder.mkdir(parents=True, exist_ok=True)
        (load(init).tokenizer if init is not None else _trained(recipe, pairs)).save(folder)
    team.agree(0.0)  # the others wait until it is written
    tokenizer = Tokenizer.load(folder)
    corpora = tuple(
        PairCorpus.build(rows, tokenizer, target_language=source.to, cleaning=recipe.data.cleaning, name=_name(source))
        for source, rows in zip(sources, pairs, strict=True)
    )
    weights = [source.weight for source in sources]
    mixture = Mixture(corpora, seed=recipe.seed, weights=weights, temperature=recipe.data.temperature)
    examples: Examples = mixture
    if recipe.tokenizer.dropout:
        examples = SubwordDropout(mixture, tokenizer, probability=recipe.tokenizer.dropout, seed=recipe.seed)
    names = [name for source in (*sources, *recipe.data.dev) for name in (source.path, source.target_path) if name]
    files = {name: data / name for name in names}
    return TrainingData(tokenizer, corpora, examples, _dev_pairs(recipe, data, tokenizer), files)


def _name(source: PairSource) -> str:
    """What the log calls a corpus: one file may hold several directions."""
    return f"{source.path} {source.from_}-{source.to}" + (" in capitals" if source.case == "upper" else "")


def _sampled(source: PairSource, data: Path, seed: int) -> Pairs:
    """The pairs of one source, or a seeded sample of them in their order, in the case that it asks for."""
    pairs = list(_read(source, data))
    if source.rows is not None and source.rows < len(pairs):
        chosen = np.sort(np.random.default_rng(seed).permutation(len(pairs))[: source.rows])
        pairs = [pairs[row] for row in chosen]
    return pairs if source.case == "given" else [(first.upper(), second.upper()) for first, second in pairs]


def _read(source: PairSource, data: Path) -> Iterator[tuple[str, str]]:
    path = data / source.path
    if not path.exists():
        raise DataError(f"{path}: there is no such file; say with --data where the recipe's files are")
    if source.target_path is not None:
        return read_aligned(path, data / source.target_path)
    return read_pairs(path, columns=source.columns)


def _trained(recipe: Recipe, pairs: list[Pairs]) -> Tokenizer:
    texts = (text for rows in pairs for pair in rows for text in pair)
    return Tokenizer.train(texts, vocabulary_size=recipe.tokenizer.vocabulary_size, languages=recipe.languages)


def _dev_pairs(recipe: Recipe, data: Path, tokenizer: Tokenizer) -> tuple[DevPair, ...]:
    pairs = [
        DevPair(source_text, target_text, tokenizer.tag(source.to))
        for number, source in enumerate(recipe.data.dev)
        for source_text, target_text in _sampled(source, data, recipe.seed + number)
    ]
    return tuple(pairs[: recipe.validation.rows])
