"""Links between the words of a run's training pairs, as one file: found once, read by every process and resumption."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file

from weft.base.errors import DataError
from weft.data.guidance import WordLinks
from weft.data.ragged import Ragged
from weft.store.atomic import whole_file
from weft.store.tensors import write_tensors

_PARTS = ("source", "target", "links")


def write_links(path: Path, words: WordLinks) -> None:
    """Writes the file whole or not at all. Raises DataError if it cannot be written."""
    tensors = {
        f"{part}/{name}": torch.from_numpy(array)
        for part in _PARTS
        for name, array in vars(getattr(words, part)).items()
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as file:
            write_tensors(file, tensors)
    except OSError as error:
        raise DataError(f"{path}: wanted to write links, got: {error}; make room and start again") from error


def read_links(path: Path) -> WordLinks:
    """What `write_links` wrote. Raises DataError if the file is missing, damaged or another."""
    try:
        arrays = load_file(path)
        return WordLinks(*(Ragged(arrays[f"{part}/values"], arrays[f"{part}/offsets"]) for part in _PARTS))
    except (OSError, SafetensorError, KeyError) as error:
        raise DataError(
            f"{path}: wanted the links that the run was started with, got: {error}; bring the file back or start anew"
        ) from error
