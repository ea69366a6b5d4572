"""What a recipe reads: tokenizer, training examples and development pairs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from weft.data.batch import Examples, TokenBatches
from weft.data.corpus import PairCorpus
from weft.data.dropout import SubwordDropout
from weft.data.guidance import Guidance, WordLinks
from weft.data.mixture import Mixture
from weft.data.tokenizer import Tokenizer
from weft.runs.drawn import is_drawn
from weft.runs.pairs import name_of, sampled
from weft.runs.recipe import PairSource, Recipe
from weft.runs.teacher import Lesson, word_links
from weft.store.folder import load
from weft.store.links import read_links, write_links
from weft.training.team import Team

LINKS = "links.safetensors"

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

    @property
    def reports(self) -> dict[str, str]:
        """What cleaning said of each training set."""
        return {corpus.name: str(corpus.report) for corpus in self.corpora}

    @property
    def dev_pairs(self) -> tuple[DevPair, ...]:
        """Pairs of texts that heads can be looked at by."""
        return self.dev

    def batches(self, *, tokens: int, seed: int) -> TokenBatches:
        """Training batches of so many positions."""
        return TokenBatches(self.examples, tokens=tokens, seed=seed)


def read_training_data(
    recipe: Recipe, out: Path, data: Path, *, team: Team, init: str | None, resume: bool
) -> TrainingData:
    """Reads, cleans and tokenises. The tokenizer of a new run is trained, or that of `init`, and kept in its folder."""
    sources = recipe.data.train
    first = {source.path: number for number, source in reversed(list(enumerate(sources)))}
    pairs = [sampled(source, data, recipe.seed + first[source.path]) for source in sources]
    texts = (text for rows in pairs for pair in rows for text in pair)
    tokenizer = kept_tokenizer(recipe, out, texts, team=team, init=init, resume=resume)
    corpora = tuple(
        PairCorpus.build(
            rows, tokenizer, target_language=source.to, cleaning=recipe.data.cleaning, name=name_of(source)
        )
        for source, rows in zip(sources, pairs, strict=True)
    )
    weights = [source.weight for source in sources]
    mixture = Mixture(corpora, seed=recipe.seed, weights=weights, temperature=recipe.data.temperature)
    examples: Examples = mixture
    if recipe.tokenizer.dropout:
        examples = SubwordDropout(mixture, tokenizer, probability=recipe.tokenizer.dropout, seed=recipe.seed)
    if recipe.alignment.teacher is not None:
        examples = Guidance(examples, _taught(recipe, corpora, out, data, team=team, resume=resume), tokenizer)
    files = {name: data / name for source in (*sources, *recipe.data.dev) for name in file_names(source)}
    return TrainingData(tokenizer, corpora, examples, _dev_pairs(recipe, data, tokenizer), files)


def _taught(
    recipe: Recipe, corpora: Sequence[PairCorpus], out: Path, data: Path, *, team: Team, resume: bool
) -> WordLinks:
    """What the recipe's teacher says of all training pairs: asked once, and kept in the folder of the run."""
    path = out / LINKS
    if team.leads and not resume:
        lessons = [
            Lesson(source, [corpus.texts(row) for row in range(len(corpus))])
            for source, corpus in zip(recipe.data.train, corpora, strict=True)
        ]
        write_links(path, word_links(recipe.alignment, lessons, data))
    team.agree(0.0)  # the others wait until it is written
    return read_links(path)


def file_names(source: PairSource) -> list[str]:
    """The files of a set; none of one that is drawn."""
    if is_drawn(source):
        return []
    return [
        name for name in (source.path, source.target_path, source.links_path, source.picture_list) if name is not None
    ]


def kept_tokenizer(
    recipe: Recipe, out: Path, texts: Iterable[str], *, team: Team, init: str | None, resume: bool
) -> Tokenizer:
    """The tokenizer of the run folder: of a new run it is that of `init`, or one trained on the texts."""
    folder = out / "tokenizer"
    if team.leads and not resume:
        folder.mkdir(parents=True, exist_ok=True)
        size, languages = recipe.tokenizer.vocabulary_size, recipe.languages
        trained = Tokenizer.train(texts, vocabulary_size=size, languages=languages) if init is None else None
        (trained or load(str(init)).tokenizer).save(folder)
    team.agree(0.0)  # the others wait until it is written
    return Tokenizer.load(folder)


def _dev_pairs(recipe: Recipe, data: Path, tokenizer: Tokenizer) -> tuple[DevPair, ...]:
    pairs = [
        DevPair(source_text, target_text, tokenizer.tag(source.to))
        for number, source in enumerate(recipe.data.dev)
        for source_text, target_text in sampled(source, data, recipe.seed + number)
    ]
    return tuple(pairs[: recipe.validation.rows])
