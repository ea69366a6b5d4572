"""A model folder looked at from all sides, without building or running the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from weft.base.errors import DataError, WeftError
from weft.data.tokenizer_file import load_tokenizer
from weft.store.config import StoredConfig, read_config
from weft.store.folder import CARD, build_empty, check_tokenizer, file_hash
from weft.store.weights import FILE_NAME as WEIGHTS
from weft.store.weights import check_shapes, read_weights

Look = Callable[[StoredConfig, Path], None]


@dataclass(frozen=True)
class Check:
    """One thing that was looked at; `problem` is empty if it is well."""

    name: str
    problem: str = ""


@dataclass(frozen=True)
class Report:
    """All checks of a folder, in the order they were made."""

    folder: Path
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        return not any(check.problem for check in self.checks)

    def __str__(self) -> str:
        return "\n".join(f"{check.name}: {check.problem or 'ok'}" for check in self.checks)


def verify(folder: Path) -> Report:
    """What is well and what is not in a model folder; problems are reported, not raised.

    Without a configuration nothing else can be judged, so its problem is then the only check.
    """
    try:
        config = read_config(folder)
    except WeftError as error:
        return Report(folder, (Check("config", str(error)),))
    looks = {
        "checksums": _checksums,
        "weights": _shapes,
        "values": _values,
        "tokenizer": _tokenizer,
        "alignment": _alignment,
        "card": _card,
    }
    return Report(folder, (Check("config"), *(_check(name, look, config, folder) for name, look in looks.items())))


def _check(name: str, look: Look, config: StoredConfig, folder: Path) -> Check:
    try:
        look(config, folder)
    except WeftError as error:
        return Check(name, str(error))
    return Check(name)


def _checksums(config: StoredConfig, folder: Path) -> None:
    for name, wanted in config.checksums.items():
        if file_hash(folder / name) != wanted:
            raise DataError(f"{folder / name}: wanted SHA-256 {wanted}, got another; fetch or save the model again")


def _shapes(config: StoredConfig, folder: Path) -> None:
    parameters = build_empty(config.model).named_parameters()
    check_shapes(folder / WEIGHTS, {name: tuple(parameter.shape) for name, parameter in parameters})


def _values(config: StoredConfig, folder: Path) -> None:
    bad = [name for name, value in read_weights(folder / WEIGHTS) if not torch.isfinite(value).all()]
    if bad:
        raise DataError(
            f"{folder / WEIGHTS}: wanted finite weights, got NaN or infinity in {', '.join(bad)}; train again"
        )


def _tokenizer(config: StoredConfig, folder: Path) -> None:
    check_tokenizer(folder, load_tokenizer(folder), config)


def _alignment(config: StoredConfig, folder: Path) -> None:
    """Layer and heads must be there: they are read only when somebody asks for links."""
    settings, model = config.alignment, config.model
    if settings is None:
        return
    if settings.layer >= model.decoder_layers or max(settings.heads) >= model.num_heads:
        raise DataError(
            f"{folder}: alignment wants a layer below {model.decoder_layers} and heads below {model.num_heads}, got "
            f"layer {settings.layer} and heads {list(settings.heads)}; let weft choose them again"
        )


def _card(config: StoredConfig, folder: Path) -> None:
    path = folder / CARD
    if not path.is_file() or not path.read_text(encoding="utf-8").strip():
        raise DataError(f"{path}: wanted a card (data, licence, recipe, scores), got none; write one")
