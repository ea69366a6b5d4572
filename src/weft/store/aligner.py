"""A statistical aligner as a folder on disk: config.json, vocabulary.json and aligner.safetensors."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load

from weft.base.errors import ConfigError, DataError
from weft.base.validate import validate
from weft.statistical.aligner import StatisticalAligner
from weft.statistical.settings import StatisticalSettings
from weft.store.atomic import settle, whole_folder
from weft.store.tensors import write_tensors

FORMAT = 1
"""Version of the folder format that this weft writes, and the newest that it reads."""
KIND: Final = "statistical-aligner"
CONFIG, VOCABULARY, TENSORS = "config.json", "vocabulary.json", "aligner.safetensors"
FILES = frozenset({CONFIG, VOCABULARY, TENSORS})


class StoredAligner(BaseModel):
    """All of `config.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    """Version of the folder format."""
    kind: Literal["statistical-aligner"] = KIND
    """What tells the folder from that of a model."""
    weft: str = Field(default_factory=lambda: version("weft"))
    """The weft that wrote the folder."""
    settings: StatisticalSettings
    """How it was trained."""
    checksums: dict[str, str] = {}
    """File name to SHA-256 in hex; a file that is not named is not compared."""


class _Words(BaseModel):
    """All of `vocabulary.json`: the words of each side in the order of their numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: tuple[str, ...]
    target: tuple[str, ...]


def save_aligner(folder: Path, aligner: StatisticalAligner) -> None:
    """Writes the folder, whole or not at all; an aligner that stood there before is replaced.

    Raises ConfigError if the folder holds anything else, and DataError if it cannot be written (a full disk).
    """
    check_place(folder)
    words = {"source": aligner.source.words, "target": aligner.target.words}
    try:
        with whole_folder(folder) as part:
            write_tensors(part / TENSORS, aligner.tensors())
            (part / VOCABULARY).write_text(json.dumps(words, ensure_ascii=False), encoding="utf-8")
            checksums = {name: _hash((part / name).read_bytes()) for name in (VOCABULARY, TENSORS)}
            config = StoredAligner(settings=aligner.settings, checksums=checksums)
            (part / CONFIG).write_text(config.model_dump_json(indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(
            f"{folder}: wanted to write an aligner, got: {error}; make room or choose another place "
            "(what stood there before is untouched)"
        ) from error


def load_aligner(folder: Path) -> StatisticalAligner:
    """The aligner of a folder.

    Raises ConfigError if it is no aligner's folder or was written by a newer weft, and DataError if a file of it is
    missing, damaged, or belongs to another aligner.
    """
    settle(folder)
    config = _read_config(folder / CONFIG)
    words = _read_words(folder, config)
    try:
        tensors = load(_checked(folder / TENSORS, config))
        return StatisticalAligner.from_tensors(
            tensors, source_words=words.source, target_words=words.target, settings=config.settings
        )
    except (SafetensorError, DataError) as error:
        if str(error).startswith(str(folder)):
            raise
        raise DataError(f"{folder / TENSORS}: {error}") from error


def _read_config(path: Path) -> StoredAligner:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{path}: wanted an aligner's configuration, got: {error.strerror}; name a folder that "
            "`weft align --statistical --save` wrote"
        ) from error
    except ValueError as error:
        raise ConfigError(f"{path}: wanted JSON, got: {error}; train and save the aligner again") from error
    _check_kind(path, data)
    return validate(StoredAligner, data, where=str(path))


def _check_kind(path: Path, data: Any) -> None:
    """Before anything else is read: a model has other keys, and a newer format may have any."""
    if not isinstance(data, dict) or data.get("kind") != KIND or not isinstance(data.get("format"), int):
        raise ConfigError(
            f'{path}: wanted the configuration of an aligner ("kind": "{KIND}" and a "format" number), got another; '
            "is this a model? Name a folder that `weft align --statistical --save` wrote"
        )
    if data["format"] > FORMAT:
        raise ConfigError(
            f"{path}: format {data['format']} was written by weft {data.get('weft', '(unknown)')}, and this is weft "
            f"{version('weft')}, which reads up to format {FORMAT}; update weft"
        )


def _read_words(folder: Path, config: StoredAligner) -> _Words:
    content = _checked(folder / VOCABULARY, config)
    try:
        return _Words.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]["msg"]
        raise DataError(
            f"{folder / VOCABULARY}: wanted the words of an aligner, got: {first}; train and save the aligner again"
        ) from error


def _checked(path: Path, config: StoredAligner) -> bytes:
    """The content of a file, if it is what was saved."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path}: wanted a file of an aligner, got: {error.strerror}; train and save the aligner again"
        ) from error
    came, wanted = _hash(content), config.checksums.get(path.name)
    if wanted not in (None, came):
        raise DataError(
            f"{path}: damaged, truncated or of another aligner: wanted SHA-256 {str(wanted)[:12]}..., got "
            f"{came[:12]}...; train and save the aligner again"
        )
    return content


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def check_place(folder: Path) -> None:
    """Raises ConfigError where no aligner can be saved: saving replaces a whole folder, so it must be its own."""
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder}: wanted a folder for an aligner, got a file; choose another name")
    here = {path.name for path in folder.glob("*")}
    others = sorted(here - FILES) or sorted(here if here and not is_aligner(folder) else ())
    if others:
        raise ConfigError(
            f"{folder}: wanted a new folder or an aligner's, got one that holds {', '.join(others[:3])}; saving would "
            "delete them: choose another folder"
        )


def is_aligner(folder: Path) -> bool:
    """Whether an aligner was saved in the folder."""
    try:
        _read_config(folder / CONFIG)
    except ConfigError:
        return False
    return True
