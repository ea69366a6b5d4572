"""A training recipe: everything that decides a run, as one TOML file that a user copies."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from weft.alignment.symmetrise import check_symmetrisation
from weft.base.errors import ConfigError
from weft.base.validate import validate
from weft.data.clean import Cleaning
from weft.data.pixels import PictureReading
from weft.interop import vit
from weft.models.config import ModelConfig
from weft.models.presets import PRESETS
from weft.store.config import SearchDefaults
from weft.training.config import TrainingConfig

Column = Annotated[int, Field(ge=0)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False)


class PairSource(_Frozen):
    """One file of pairs (TSV), or two line-aligned files, of one language direction."""

    path: str
    """TSV, or the source side when `target_path` is given; plain, .gz or .xz; relative to `--data`. `scenes:7` is no
    file: weft draws `rows` scenes with captions itself, by the seed 7."""
    target_path: str | None = None
    """The target side, line by line."""
    columns: tuple[Column, Column] = (0, 1)
    """Which columns of the TSV are source and target, from 0."""
    from_: str = Field(alias="from")
    """Source language."""
    to: str
    """Target language."""
    weight: float = Field(1.0, gt=0)
    """How often its rows are drawn, against 1 for others."""
    rows: int | None = Field(None, gt=0)
    """Draw a seeded sample of so many rows once, the same for every set that reads the same file; None takes all."""
    links_path: str | None = None
    """Links between the white-space words of the pairs, Pharaoh lines, one a pair: what `teacher = "given"` reads."""
    pictures: str | None = None
    """The folder of the pictures that the first of `columns` names, relative to `--data`."""
    captions: tuple[Column, ...] = ()
    """Which columns are captions of the picture, each a target of its own; by default the second of `columns`."""
    sources: dict[str, Column] = {}
    """Which column is which source of a model of several; the second of `columns` is the target."""
    picture_list: str | None = None
    """Which rows have a picture: row from 0 TAB its name, for the picture that no column of `sources` names."""
    case: Literal["given", "upper", "lower"] = "given"
    """upper: both sides in capitals, so that a model learns to translate them too; lower: in small letters."""
    words: Literal["given", "weft"] = "given"
    """weft: a space between all words as weft finds them, marks among them, as gold alignments are mostly written."""

    @model_validator(mode="after")
    def _links_are_of_given_words(self) -> PairSource:
        if self.links_path is not None and self.words != "given":
            raise ValueError(f"links_path counts the words as given, got words {self.words!r}; leave one of them out")
        return self


class DataConfig(_Frozen):
    """What is read."""

    train: tuple[PairSource, ...] = Field(min_length=1)
    """Training sets."""
    dev: tuple[PairSource, ...] = ()
    """Development sets, for scores while training; all of them count as one."""
    temperature: float = Field(1.0, gt=0)
    """1 draws training sets by size and weight; higher values draw small ones more often."""
    cleaning: Cleaning = Cleaning()
    """Which training pairs are kept."""
    withhold: dict[str, Annotated[float, Field(ge=0, lt=1)]] = {}
    """How often training withholds a source that a row has, by its name, so that a model of several learns to do
    without it."""
    captions_each: int | None = Field(None, gt=0)
    """How many captions of a picture an epoch reads, drawn anew each time; None: all."""
    short_first: int = Field(0, ge=0)
    """How many epochs of pictures leave out those with the longest captions, fewer of them each time: a captioner that
    begins from nothing learns from what is simple first."""
    pixels: PictureReading = PictureReading()
    """How pictures become numbers."""


class TokenizerConfig(_Frozen):
    """The byte-pair tokenizer, trained on all training text."""

    vocabulary_size: int = Field(8000, ge=300)
    """Tokens, specials and language tags included."""
    dropout: float = Field(0.0, ge=0.0, lt=1.0)
    """BPE dropout of training text (Provilkov et al. 2020)."""


class ValidationConfig(_Frozen):
    """How development sets are translated while training."""

    beam: int = Field(1, ge=1)
    """1 is greedy, the fastest."""
    rows: int | None = Field(None, gt=0)
    """Only the first so many rows; None takes all."""
    samples: int = Field(3, ge=0)
    """How many dev translations each look writes into the log."""


class AlignmentConfig(_Frozen):
    """How one head of cross-attention is taught to align (Garg et al. 2019), so that what it shows can be trusted."""

    teacher: str | None = None
    """Who links the words of the training pairs: "statistical" (weft's own aligner, trained on these pairs), "given"
    (`links_path` of the training sets), or a model, whose links in both directions are symmetrised. None: nobody."""
    reverse_teacher: str | None = None
    """The model of the other direction, where `teacher` is a model that knows one alone."""
    symmetrise: str = "grow-diag"
    """How the teacher's two directions become one set of links."""
    words: Literal["weft", "given"] = "weft"
    """What is linked: words as weft finds them in text, or what stands between white space, in text already cut."""
    weight: float = Field(0.05, gt=0)
    """Of the alignment loss, against 1 for the language loss, both in nats a target token."""
    layer: int | None = Field(None, ge=0)
    """Decoder layer, from 0; None: the middle one."""
    head: int = Field(0, ge=0)
    """Head of its cross-attention, from 0."""

    @model_validator(mode="after")
    def _symmetrisation_is_known(self) -> AlignmentConfig:
        check_symmetrisation(self.symmetrise)
        return self


class PretrainedConfig(_Frozen):
    """An encoder that was trained by somebody else."""

    encoder: str | None = None
    """The folder of a ViT or DeiT of transformers: it says what the model's source and encoder are, and their weights.
    None: the encoder begins from nothing."""
    frozen: bool = False
    """Whether it stays as it is while the rest learns."""

    @model_validator(mode="after")
    def _there_is_something_to_freeze(self) -> PretrainedConfig:
        if self.frozen and self.encoder is None:
            raise ValueError("frozen wants an encoder that was trained, got none; name its folder in encoder")
        return self


class About(_Frozen):
    """What the card of the trained model says."""

    name: str = "A weft model"
    """Its title."""
    licence: str = ""
    """SPDX name of the licence of the weights."""
    credits: tuple[str, ...] = ()
    """One line for each data set: name, licence, whom to thank."""


class Recipe(_Frozen):
    """All of a recipe file."""

    seed: int = Field(1, ge=0, lt=2**63)
    """Decides initial weights, the order of the data and dropout."""
    tensorboard: bool = False
    """Whether the numbers of the log are also written for TensorBoard, under `tensorboard/` of the run folder."""
    about: About = About()
    data: DataConfig
    tokenizer: TokenizerConfig = TokenizerConfig()
    preset: Literal["tiny", "small", "base", "big"] | None = None
    """A model shape by name; what `[model]` says wins."""
    model: dict[str, Any] = Field(default_factory=dict)
    """The model's shape, keys of `ModelConfig` without the vocabulary size."""
    pretrained: PretrainedConfig = PretrainedConfig()
    """Whether the encoder comes from elsewhere."""
    alignment: AlignmentConfig = AlignmentConfig()
    """Whether and how an alignment head is taught."""
    training: TrainingConfig
    validation: ValidationConfig = ValidationConfig()
    search: SearchDefaults = SearchDefaults()
    """How the finished model is searched by default."""

    @model_validator(mode="after")
    def _model_is_valid(self) -> Recipe:
        if "vocabulary_size" in self.model:
            raise ConfigError(
                "[model]: vocabulary_size is that of the tokenizer; set tokenizer.vocabulary_size instead"
            )
        if self.alignment.teacher is not None and self.model.get("sources"):
            raise ConfigError(
                f"[alignment]: a head is taught the links of one source, got a teacher and a model of "
                f"{', '.join(self.model['sources'])}; leave alignment.teacher out"
            )
        if "alignment_head" in self.model:
            raise ConfigError("[model]: alignment_head is that of [alignment]; set alignment.layer and head instead")
        validate(ModelConfig, self._model_keys(300), where="[model]")
        return self

    @model_validator(mode="after")
    def _gist_has_its_model(self) -> Recipe:
        """The gist is projected as decoder states are, so it wants their width, and one source."""
        if not self.training.gist:
            if self.training.contrast:
                raise ConfigError("training.contrast wants training.gist above 0: it compares what the gists foretell")
            if self.training.reading_only:
                raise ConfigError("training.reading_only wants training.gist above 0, which is all that is then learnt")
            return self
        model = self.model_config_for(300)
        if model.kind != "transformer" or model.sources or model.memory_width != model.width:
            raise ConfigError(
                f"training.gist wants a transformer of one source and one width, got kind {model.kind}, "
                f"{len(model.sources)} named sources, encoder width {model.memory_width} and width {model.width}; "
                "leave it out"
            )
        if self.alignment.teacher is not None:
            raise ConfigError("training.gist and alignment.teacher are one or the other, got both; leave one out")
        return self

    def model_config_for(self, vocabulary_size: int) -> ModelConfig:
        """The model's configuration, once the tokenizer is known."""
        return ModelConfig.model_validate(self._model_keys(vocabulary_size))

    def _model_keys(self, vocabulary_size: int) -> dict[str, Any]:
        preset = PRESETS[self.preset] if self.preset else {}
        keys = {**preset, **self.model, "vocabulary_size": vocabulary_size}
        if self.alignment.teacher is None:
            return keys
        layers = keys.get("decoder_layers", ModelConfig.model_fields["decoder_layers"].default)
        layer = layers // 2 if self.alignment.layer is None else self.alignment.layer
        return {**keys, "alignment_head": {"layer": layer, "head": self.alignment.head}}

    @property
    def languages(self) -> list[str]:
        """Target languages, in the order in which they first appear."""
        return list(dict.fromkeys(source.to for source in self.data.train))


def read_recipe(path: Path, settings: list[str] | None = None) -> Recipe:
    """The recipe in a TOML file, with `key.path=value` settings applied over it.

    Raises ConfigError naming the file, the key path and the nearest valid key.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: wanted a recipe, got: {error.strerror}; copy one from recipes/") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: wanted TOML, got: {error}; mend the line it names") from error
    for setting in settings or []:
        _apply(data, setting)
    return validate(Recipe, _with_borrowed(data), where=f"{path} with --set" if settings else str(path))


def _with_borrowed(data: dict[str, Any]) -> dict[str, Any]:
    """The values with those that a pretrained encoder brings; what the recipe says of these keys itself wins."""
    folder = data.get("pretrained", {}).get("encoder")
    if not isinstance(folder, str):
        return data
    model = vit.model_keys(Path(folder)) | data.get("model", {})
    pixels = vit.colours(Path(folder)) | data.get("data", {}).get("pixels", {})
    return {**data, "model": model, "data": {**data.get("data", {}), "pixels": pixels}}


def as_toml(recipe: Recipe) -> dict[str, Any]:
    """The recipe as TOML values, which `read_recipe` reads back as the same recipe.

    Raises ConfigError if a value is None where None is no default: TOML has no word for it.
    """
    values = recipe.model_dump(mode="json", by_alias=True, exclude_none=True)
    if Recipe.model_validate(values) != recipe:
        raise ConfigError("a recipe file cannot say None, got a recipe that does; give a number, however large")
    return values


def _apply(data: dict[str, Any], setting: str) -> None:
    """`training.steps=100`: values are TOML, and text needs no quotes."""
    path, equals, text = setting.partition("=")
    if not equals:
        raise ConfigError(f"--set wants key.path=value, got {setting!r}; for instance --set training.steps=1000")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    *parents, last = path.strip().split(".")
    for parent in parents:
        data = data.setdefault(parent, {})
        if not isinstance(data, dict):
            raise ConfigError(f"--set {setting}: {parent} is no table; only values inside tables can be set")
    data[last] = value
