"""What `config.json` says about a model folder. Imports nothing heavy, so that models can be listed at once."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from weft.alignment.settings import AlignmentSettings
from weft.base.errors import ConfigError
from weft.base.validate import validate
from weft.data.pixels import Pixels
from weft.models.config import ModelConfig
from weft.store.atomic import whole_file

FORMAT = 1
"""Version of the folder format that this weft writes, and the newest that it reads."""
FILE_NAME = "config.json"

ANY = "*"
"""Stands for a language of which the model's tokenizer, or nobody, knows: many models read any that they write."""

Storage = Literal["float32", "bfloat16", "int8"]
"""How weights lie on disk; int8: matrices as bytes with one float32 scale a row, everything else in float32."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class LanguagePair(_Frozen):
    """A direction that the model translates in."""

    from_: str = Field(alias="from")
    """Source language, as in `--from`; `*` is any."""
    to: str
    """Target language: a tag of the tokenizer, as in `--to`; `*` for a model that writes no particular one."""


class SearchDefaults(_Frozen):
    """How this model is searched when nothing else is asked for; the names are those of `SearchSettings`."""

    beam: int = Field(5, ge=1)
    length_penalty: float = Field(1.0, ge=0)
    min_length: int = Field(0, ge=0)
    max_length: int | None = Field(None, ge=1)
    max_length_ratio: float | None = Field(2.0, ge=0)
    max_length_offset: int = Field(20, ge=0)
    no_repeat_ngram: int = Field(0, ge=0)
    banned: tuple[int, ...] = ()
    banned_first: tuple[int, ...] = ()
    banned_sequences: tuple[tuple[int, ...], ...] = ()
    forced_first: int | None = None
    forced_end: bool = False
    prefix_counts: bool = True
    renormalise: bool = False
    stopping: Literal["full", "likely", "certain"] = "full"
    cut: Literal["behind", "among"] = "behind"


class About(_Frozen):
    """What `weft models` tells of a model; the README.md of the folder says it at length."""

    licence: str = ""
    """SPDX name of the licence of the weights."""
    data: tuple[str, ...] = ()
    """Names of the sets it was trained on."""
    scores: dict[str, float] = {}
    """Name of a test set and measure to the figure, such as `{"tatoeba-test en-fr BLEU": 36.1}`."""


class StoredConfig(_Frozen):
    """All of `config.json`."""

    format: int = FORMAT
    """Version of the folder format."""
    weft: str = Field(default_factory=lambda: version("weft"))
    """The weft that wrote the folder."""
    model: ModelConfig
    """The shape of the model."""
    weights: Storage = "float32"
    """How the weights are stored; they load as float32 unless another type is asked for."""
    languages: tuple[LanguagePair, ...] = ()
    """The directions it translates in."""
    alignment: AlignmentSettings | None = None
    """Where its alignment is read; None: not chosen yet."""
    pixels: Pixels | None = None
    """How pictures become the numbers that it reads; None: it reads no pictures."""
    search: SearchDefaults = SearchDefaults()
    """How it is searched by default."""
    about: About = About()
    """Licence, data and scores."""
    checksums: dict[str, str] = {}
    """File name to SHA-256 in hex, written by `save` and compared by `load`; a file not named is not compared."""

    def to_json(self) -> str:
        return self.model_dump_json(by_alias=True, indent=2) + "\n"


def read_config(folder: Path) -> StoredConfig:
    """The configuration of a model folder.

    Raises ConfigError if there is none, if it is no JSON, holds an unknown key (the nearest valid one is named) or an
    impossible value, or was written by a newer weft.
    """
    path = folder / FILE_NAME
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{path}: wanted a model's configuration, got: {error.strerror}; name a model folder"
        ) from error
    except ValueError as error:
        raise ConfigError(f"{path}: wanted JSON, got: {error}; fetch or save the model again") from error
    _check_format(path, data)
    return validate(StoredConfig, data, where=str(path))


def write_config(folder: Path, config: StoredConfig) -> None:
    """Replaces the configuration of a model folder, whole or not at all. Raises OSError if it cannot be written."""
    with whole_file(folder / FILE_NAME) as part:
        part.write_text(config.to_json(), encoding="utf-8")


def _check_format(path: Path, data: Any) -> None:
    """Before anything else is read: a newer format may have any keys."""
    if not isinstance(data, dict) or not isinstance(data.get("format"), int):
        raise ConfigError(
            f'{path}: wanted a weft configuration with a "format" number, got none; is this a weft model?'
        )
    if data["format"] > FORMAT:
        raise ConfigError(
            f"{path}: format {data['format']} was written by weft {data.get('weft', '(unknown)')}, and this is weft "
            f"{version('weft')}, which reads up to format {FORMAT}; update weft"
        )
