"""A model as a folder on disk: config.json, model.safetensors, tokenizer.json and README.md (the card)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from weft.base.errors import ConfigError, DataError
from weft.data.text_tokenizer import TextTokenizer
from weft.data.tokenizer import FILE_NAME as TOKENIZER
from weft.data.tokenizer_file import load_tokenizer
from weft.models.build import build
from weft.models.config import ModelConfig
from weft.store.atomic import whole_folder
from weft.store.config import ANY, Storage, StoredConfig, read_config
from weft.store.config import FILE_NAME as CONFIG
from weft.store.names import find
from weft.store.weights import FILE_NAME as WEIGHTS
from weft.store.weights import load_weights, write_weights

CARD = "README.md"
FILES = frozenset({CONFIG, WEIGHTS, TOKENIZER, CARD})


@dataclass(frozen=True)
class StoredModel:
    """A model read from a folder, ready to translate (in evaluation mode)."""

    model: nn.Module
    """Speaks `Seq2Seq`; its class is what `config.model.kind` says."""
    tokenizer: TextTokenizer
    config: StoredConfig
    card: str
    """The text of README.md; empty if there is none."""
    folder: Path
    fingerprint: str
    """SHA-256 in hex of all that decides an encoded source: the model's shape, its weights and its tokenizer."""


def save(
    folder: Path,
    model: nn.Module,
    tokenizer: TextTokenizer,
    config: StoredConfig,
    card: str,
    dtype: Storage | None = None,
) -> StoredConfig:
    """Writes a model folder, whole or not at all, and returns the configuration as written (storage and checksums).

    `dtype` is how weights are stored; None: as `config.weights` says. A tied weight is stored once; buffers are not
    stored. What stood there before stays until the new folder is complete on disk. Raises ConfigError if the parts do
    not fit together or the folder holds anything but a model, and DataError if it cannot be written (a full disk).
    """
    check_tokenizer(folder, tokenizer, config)
    _refuse_others(folder)
    storage = dtype or config.weights
    try:
        with whole_folder(folder) as part:
            write_weights(part / WEIGHTS, dict(model.named_parameters()), storage=storage)
            tokenizer.save(part)
            (part / CARD).write_text(card, encoding="utf-8")
            checksums = {name: file_hash(part / name) for name in (WEIGHTS, TOKENIZER)}
            written = config.model_copy(update={"weights": storage, "checksums": checksums})
            (part / CONFIG).write_text(written.to_json(), encoding="utf-8")
    except OSError as error:
        raise DataError(
            f"{folder}: wanted to write a model, got: {error}; make room or choose another place "
            "(what stood there before is untouched)"
        ) from error
    return written


def load(
    model: str | Path, device: torch.device | str | None = None, dtype: torch.dtype = torch.float32
) -> StoredModel:
    """The model of a folder or of a name (`names.find`), with parameters in `dtype` on `device` (None: the CPU).

    Raises ConfigError if there is no such model or its configuration cannot be read, and DataError if its files are
    damaged, belong to another model, or do not fit together. Draws no random number.
    """
    folder = find(model)
    config = read_config(folder)
    hashes = {name: _checked_hash(folder / name, config) for name in (WEIGHTS, TOKENIZER)}
    tokenizer = load_tokenizer(folder)
    check_tokenizer(folder, tokenizer, config)
    network = build_empty(config.model)
    load_weights(network, folder / WEIGHTS, dtype=dtype)
    card = folder / CARD
    return StoredModel(
        model=network.to(device or "cpu").eval(),
        tokenizer=tokenizer,
        config=config,
        card=card.read_text(encoding="utf-8") if card.exists() else "",
        folder=folder,
        fingerprint=fingerprint(config.model, hashes),
    )


def build_empty(config: ModelConfig) -> nn.Module:
    """A model whose parameters hold no values yet: memory is reserved but not touched, and nothing is drawn.

    Not on the meta device, where tables that are computed and not stored (positions) would be lost.
    """
    with _NoInitialisation():
        return build(config)


def check_tokenizer(folder: Path, tokenizer: TextTokenizer, config: StoredConfig) -> None:
    """Raises DataError unless the tokenizer has the model's vocabulary and a tag for each target language."""
    for side, wanted in (
        (tokenizer, config.model.vocabulary_size),
        (tokenizer.target, config.model.written_vocabulary_size),
    ):
        if side.vocabulary_size != wanted:
            raise DataError(
                f"{folder / TOKENIZER}: wanted {wanted} tokens, as the model has, got {side.vocabulary_size}; this "
                "tokenizer belongs to another model"
            )
    unknown = sorted({pair.to for pair in config.languages} - {ANY, *tokenizer.languages})
    if unknown:
        raise DataError(
            f"{folder / TOKENIZER}: wanted tags for the target languages {', '.join(unknown)}, got tags for "
            f"{', '.join(tokenizer.languages) or 'none'}; correct the languages in {CONFIG}"
        )


def file_hash(path: Path) -> str:
    """SHA-256 of a file's content, in hex. Raises DataError if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(
            f"{path}: wanted a file of a model, got: {error.strerror}; fetch or save the model again"
        ) from error


def _checked_hash(path: Path, config: StoredConfig) -> str:
    came, wanted = file_hash(path), config.checksums.get(path.name)
    if wanted not in (None, came):
        raise DataError(
            f"{path}: damaged, truncated or of another model: wanted SHA-256 {str(wanted)[:12]}..., got "
            f"{came[:12]}...; fetch or save the model again (or drop its checksum from {CONFIG} if the change is meant)"
        )
    return came


def fingerprint(config: ModelConfig, hashes: dict[str, str]) -> str:
    """SHA-256 in hex of a shape and of files, given by name with the hash of each."""
    parts = [config.model_dump_json(), *(f"{name} {digest}" for name, digest in sorted(hashes.items()))]
    return hashlib.sha256("\n".join(parts).encode("utf-8")).hexdigest()


def _refuse_others(folder: Path) -> None:
    """Saving replaces a whole folder, so it must hold nothing that saving would not write again."""
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder}: wanted a folder for a model, got a file; choose another name")
    others = sorted(path.name for path in folder.glob("*") if path.name not in FILES)
    if others:
        raise ConfigError(
            f"{folder}: wanted a new folder or a model folder, got one that also holds {', '.join(others[:3])}; "
            "saving would delete them: choose another folder"
        )


class _NoInitialisation(TorchFunctionMode):
    """Leaves parameters as they were allocated: values from a file follow."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in (torch.Tensor.uniform_, torch.Tensor.normal_) or getattr(func, "__module__", "") == "torch.nn.init":
            return kwargs.get("tensor", args[0] if args else None)
        return func(*args, **kwargs)
