"""A checkpoint folder of Hugging Face: its JSON files and its tensors by name, whichever files these lie in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Protocol

import torch

from weft.base.errors import ConfigError, DataError, UnsupportedError
from weft.base.shapes import Tensor
from weft.interop.tensor_file import read_header

CONFIG, GENERATION = "config.json", "generation_config.json"
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
PICKLE, PICKLE_INDEX = "pytorch_model.bin", "pytorch_model.bin.index.json"


class Stored(Protocol):
    """A tensor that can be copied to where it belongs."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def copy_into(self, name: str, target: Tensor, *, skip: int = 0) -> None: ...


@dataclass(frozen=True)
class InMemory:
    """A tensor that came out of a pickle."""

    tensor: Tensor

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.tensor.shape)

    def copy_into(self, name: str, target: Tensor, *, skip: int = 0) -> None:
        first = skip * prod(self.shape[1:])
        target.copy_(self.tensor.reshape(-1)[first : first + target.numel()].view(target.shape))


def is_checkpoint(folder: Path) -> bool:
    """Whether a folder holds a `config.json` that names a `model_type`, as those of Hugging Face do."""
    try:
        about = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(about, dict) and "model_type" in about


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object. Raises ConfigError if it cannot be read or is something else."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: wanted a file of a checkpoint, got: {error.strerror}; name its folder") from error
    except ValueError as error:
        raise ConfigError(f"{path}: wanted JSON, got: {error}; fetch the checkpoint again") from error
    if not isinstance(found, dict):
        raise ConfigError(f"{path}: wanted a JSON object, got {type(found).__name__}; fetch the checkpoint again")
    return found


def tensors(folder: Path, *, pickle: bool = False) -> Mapping[str, Stored]:
    """Every tensor of the checkpoint by name; of safetensors only the headers are read.

    A pickle is read only if `pickle` allows it, and then nothing but tensors is taken from it. Raises DataError for
    missing or damaged files, UnsupportedError for a pickle that is not allowed.
    """
    if (folder / WEIGHTS).is_file():
        return dict(read_header(folder / WEIGHTS))
    if (folder / INDEX).is_file():
        return _of_shards(folder, read_json(folder / INDEX))
    pickles = [name for name in (PICKLE, PICKLE_INDEX) if (folder / name).is_file()]
    if not pickles:
        raise DataError(f"{folder}: wanted {WEIGHTS} or {INDEX}, got neither; fetch the checkpoint again")
    if not pickle:
        raise UnsupportedError(
            f"{folder / pickles[0]}: a pickle may run any program while it is read; if you trust where it came from, "
            f"convert it, taking nothing but tensors from it: weft convert --pickle {folder} TARGET"
        )
    if pickles[0] == PICKLE:
        return _unpickled(folder / PICKLE)
    shards = sorted(set(_weight_map(folder / PICKLE_INDEX).values()))
    lost = [shard for shard in shards if not (folder / shard).is_file()]
    if lost:
        raise DataError(f"{folder / lost[0]}: wanted this shard, as {PICKLE_INDEX} says, got none; fetch it again")
    return {name: stored for shard in shards for name, stored in _unpickled(folder / shard).items()}


def equal(a: tuple[str, Stored], b: tuple[str, Stored]) -> bool:
    """Whether two tensors hold the same numbers; read in blocks of rows, so that neither is ever held whole."""
    (name_a, one), (name_b, other) = a, b
    if one.shape != other.shape:
        return False
    rows = max(1, (1 << 20) // max(1, one.shape[-1]))
    for first in range(0, one.shape[0], rows):
        shape = (min(rows, one.shape[0] - first), *one.shape[1:])
        left, right = torch.empty(shape), torch.empty(shape)
        one.copy_into(name_a, left, skip=first)
        other.copy_into(name_b, right, skip=first)
        if not torch.equal(left, right):
            return False
    return True


def _of_shards(folder: Path, index: dict[str, Any]) -> dict[str, Stored]:
    wanted = _weight_map(folder / INDEX, index)
    headers = {shard: read_header(folder / shard) for shard in sorted(set(wanted.values()))}
    lost = [name for name, shard in wanted.items() if name not in headers[shard]]
    if lost:
        raise DataError(
            f"{folder / wanted[lost[0]]}: wanted {lost[0]}, as {INDEX} says, got a shard without it; fetch it again"
        )
    return {name: headers[shard][name] for name, shard in wanted.items()}


def _weight_map(path: Path, index: dict[str, Any] | None = None) -> dict[str, str]:
    """Which shard each tensor lies in; only names of files beside the index are taken."""
    found = (read_json(path) if index is None else index).get("weight_map")
    if not isinstance(found, dict) or not all(isinstance(shard, str) for shard in found.values()):
        raise DataError(f"{path}: wanted a weight_map of names to files, got none; fetch the checkpoint again")
    outside = [shard for shard in found.values() if Path(shard).name != shard]
    if outside:
        raise DataError(f"{path}: wanted files beside the index, got {outside[0]!r}; fetch the checkpoint again")
    return found


def _unpickled(path: Path) -> dict[str, Stored]:
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # the unpickler raises whatever the file leads it to
        raise DataError(f"{path}: wanted tensors alone, got: {str(error).splitlines()[0]}; do not use it") from error
    if not isinstance(found, dict) or not all(isinstance(value, Tensor) for value in found.values()):
        raise DataError(f"{path}: wanted a dictionary of tensors, got something else; is it a checkpoint?")
    return {name: InMemory(value) for name, value in found.items()}
