"""The tokenizer of a checkpoint, by the `model_type` of its family: the one table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from weft.base.errors import UnsupportedError
from weft.data.text_tokenizer import TextTokenizer
from weft.interop.read import Description

READERS: dict[str, Callable[[Path, Description], TextTokenizer]] = {}
"""How the tokenizer of each family is read from a folder."""


def read_tokenizer(folder: Path, about: Description) -> TextTokenizer:
    """The tokenizer beside a checkpoint; UnsupportedError names the families whose tokenizers weft reads."""
    if about.model_type not in READERS:
        known = ", ".join(sorted(READERS)) or "none yet"
        raise UnsupportedError(
            f"{folder}: wanted a tokenizer that weft reads, which are those of {known}, got that of "
            f"{about.model_type}; weft.interop.read reads the model alone, for ids"
        )
    return READERS[about.model_type](folder, about)
