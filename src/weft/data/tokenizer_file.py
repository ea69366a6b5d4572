"""The tokenizer of a model folder, whichever it is: weft's own, or one that came with a checkpoint."""

from __future__ import annotations

import re
from pathlib import Path

from weft.base.errors import DataError
from weft.data.borrowed import BorrowedTokenizer
from weft.data.text_tokenizer import TextTokenizer
from weft.data.tokenizer import FILE_NAME, Tokenizer

_BORROWED = re.compile(r'\s*\{\s*"kind"\s*:\s*"borrowed"')


def load_tokenizer(folder: Path) -> TextTokenizer:
    """The tokenizer of a model folder; DataError if the file is missing or none that weft wrote."""
    path = folder / FILE_NAME
    try:
        text = path.read_text(encoding="utf-8")
        return BorrowedTokenizer(text) if _BORROWED.match(text) else Tokenizer(text)
    except OSError as error:
        raise DataError(f"{path}: wanted a tokenizer, got: {error.strerror}; is this a model folder?") from error
    except ValueError as error:
        raise DataError(f"{path}: wanted a weft tokenizer, got: {error}; fetch the model again") from error
