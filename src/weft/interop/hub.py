"""`hf:ORG/NAME` to a folder: from the local cache, else from the Hugging Face hub."""

from __future__ import annotations

import re
from pathlib import Path

from weft.base.errors import ConfigError, DataError, UnsupportedError

PREFIX = "hf:"
FILES = ("*.json", "*.safetensors", "*.model", "*.spm", "*.txt", "README.md")
"""What is fetched: never a pickle, unless it is asked for."""
PICKLES = ("*.bin",)
_NAME = re.compile(r"hf:(?P<name>[\w.-]+(/[\w.-]+)?)(@(?P<revision>[\w./-]+))?")


def is_hub_name(model: str | Path) -> bool:
    return str(model).startswith(PREFIX)


def fetch(model: str, *, pickle: bool = False) -> Path:
    """The folder of `hf:ORG/NAME` or `hf:ORG/NAME@REVISION`, in the hub's own cache.

    What is in the cache already is not asked for again where there is no network. Raises ConfigError for a name that
    cannot be one, UnsupportedError without `huggingface_hub` and for a model of pickles alone, DataError for what
    cannot be had, and why.
    """
    found = _NAME.fullmatch(model)
    if not found:
        raise ConfigError(f"wanted hf:ORG/NAME or hf:ORG/NAME@REVISION, got {model!r}; copy it from the model's page")
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise UnsupportedError(f'{model}: wanted huggingface_hub; pip install "weft[hf]", or name a folder') from error
    wanted = [*FILES, *PICKLES] if pickle else list(FILES)
    try:
        folder = Path(snapshot_download(found["name"], revision=found["revision"], allow_patterns=wanted))
    except Exception as error:  # of many libraries: the hub's, the network's, the disk's
        told, *_ = str(error).strip().splitlines() or [type(error).__name__]
        reason = told.removeprefix("Got: ").rstrip(".")
        raise DataError(
            f"{model}: wanted a model of the hub or its copy in the cache, got: {reason}; check the name and "
            "the network (log in for a gated model), or fetch it elsewhere and name its folder"
        ) from error
    if not pickle and not any(folder.glob("*.safetensors")):
        raise UnsupportedError(
            f"{model}: wanted weights in safetensors, got none; if it has .bin files, these are pickles, which may "
            "run any program while they are read: if you trust where they came from, convert them, taking nothing but "
            f"tensors: weft convert --pickle {model} TARGET"
        )
    return folder
