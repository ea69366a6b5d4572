"""The run folder: what it says of itself, and whether a run may go on in it."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import tomli_w
import torch

from weft.base.errors import ConfigError, DataError
from weft.runs.kinds import Reading
from weft.runs.recipe import Recipe, as_toml, read_recipe
from weft.store.atomic import whole_file

CONFIG, DESCRIPTION = "config.toml", "run.json"


def check_new(out: Path) -> None:
    """Raises ConfigError if a new run would overwrite one."""
    if (out / CONFIG).exists():
        raise ConfigError(f"{out} already holds a run; add --resume to go on with it, or choose another --out")


def check_resumable(recipe: Recipe, out: Path) -> None:
    """Raises ConfigError if there is no run to resume, or if the recipe would make it another one."""
    path = out / CONFIG
    if not path.exists():
        raise ConfigError(f"{out} holds no run to resume; leave --resume out to start one")
    before, now = _fixed(read_recipe(path)), _fixed(recipe)
    changed = [key for key in now if before[key] != now[key]]
    if changed:
        raise ConfigError(
            f"{path}: the run was started with another {', '.join(changed)}; resume with what it was started with "
            "(the rest of training, validation, search and about may change)"
        )


def check_unchanged(out: Path, read: Reading) -> None:
    """Raises DataError if a file is not the one that the run was started with."""
    before = json.loads((out / DESCRIPTION).read_text(encoding="utf-8"))["data"]
    for name, file in read.files.items():
        wanted, came = before.get(name), _sha256(file)
        if wanted not in (None, came):
            raise DataError(
                f"{file}: wanted the file that the run was started with (SHA-256 {wanted[:12]}...), got another "
                f"({came[:12]}...); bring it back, or start a new run"
            )


def describe_run(recipe: Recipe, out: Path, read: Reading) -> None:
    """Writes seed, versions, data hashes and hardware, and the resolved recipe; from then on it is a run."""
    description = {
        "seed": recipe.seed,
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("weft", "torch", "tokenizers", "numpy")},
        "data": {name: _sha256(file) for name, file in read.files.items()},
        "corpora": read.reports,
        "hardware": {
            "machine": platform.machine(),
            "processors": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        },
    }
    (out / DESCRIPTION).write_text(json.dumps(description, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    write_recipe(recipe, out)


def write_recipe(recipe: Recipe, out: Path) -> None:
    """Writes `config.toml`, the resolved recipe."""
    with whole_file(out / CONFIG) as part:
        part.write_text(tomli_w.dumps(as_toml(recipe)), encoding="utf-8")


def _fixed(recipe: Recipe) -> dict[str, Any]:
    """What must not change while a run goes on."""
    return {
        "seed": recipe.seed,
        "data": recipe.data,
        "tokenizer": recipe.tokenizer,
        "alignment": recipe.alignment,
        "model": recipe.model_config_for(recipe.tokenizer.vocabulary_size),
        "training.batch_tokens": recipe.training.batch_tokens,
        "training.metric": recipe.training.metric,
    }


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
