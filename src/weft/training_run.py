"""The run folder: what it says of itself, and whether a run may go on in it."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import tomli_w
import torch

from weft.base.errors import ConfigError
from weft.recipe import Recipe
from weft.training_data import TrainingData

CONFIG, DESCRIPTION = "config.toml", "run.json"
_FIXED = ("seed", "data", "tokenizer", "preset", "model")


def check_resumable(recipe: Recipe, out: Path, *, resume: bool) -> None:
    """Raises ConfigError if a new run would overwrite one, or a resumed one is not the same run."""
    path = out / CONFIG
    if not resume:
        if path.exists():
            raise ConfigError(f"{out} already holds a run; add --resume to go on with it, or choose another --out")
        out.mkdir(parents=True, exist_ok=True)
        return
    if not path.exists():
        raise ConfigError(f"{out} holds no run to resume; leave --resume out to start one")
    before, now = tomllib.loads(path.read_text(encoding="utf-8")), as_toml(recipe)
    changed = [key for key in _FIXED if before.get(key) != now.get(key)]
    if changed:
        raise ConfigError(
            f"{path}: the run was started with another {', '.join(changed)}; resume with the recipe that it was "
            "started with (training, validation, search and about may change)"
        )


def describe_run(recipe: Recipe, out: Path, read: TrainingData) -> None:
    """Writes the resolved recipe, and seed, versions, data hashes and hardware."""
    description = {
        "seed": recipe.seed,
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("weft", "torch", "tokenizers", "numpy")},
        "data": {str(file.name): _sha256(file) for file in read.files},
        "corpora": {corpus.name: str(corpus.report) for corpus in read.corpora},
        "hardware": {
            "machine": platform.machine(),
            "processors": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        },
    }
    (out / DESCRIPTION).write_text(json.dumps(description, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    (out / CONFIG).write_text(tomli_w.dumps(as_toml(recipe)), encoding="utf-8")


def as_toml(recipe: Recipe) -> dict[str, Any]:
    """The recipe as TOML values; keys that are None are left out."""
    return recipe.model_dump(mode="json", by_alias=True, exclude_none=True)


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
