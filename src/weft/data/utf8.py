"""Which code point each byte of UTF-8 belongs to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.base.errors import DataError

_CONTINUATION, _CONTINUATION_BITS = 0b1000_0000, 0b1100_0000


def checked(text: str) -> bytes:
    """The text as UTF-8; DataError if it holds half a surrogate pair, which is no character."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise DataError(
            f"text must be Unicode, got the lone surrogate U+{ord(text[error.start]):04X} at position {error.start}; "
            "decode the input with errors='replace'"
        ) from error


def code_points(raw: bytes) -> NDArray[np.int64]:
    """For each byte of valid UTF-8 the index of its code point."""
    octets = np.frombuffer(raw, dtype=np.uint8)
    places: NDArray[np.int64] = np.cumsum((octets & _CONTINUATION_BITS) != _CONTINUATION, dtype=np.int64) - 1
    return places


def byte_offsets(text: str) -> NDArray[np.int64]:
    """Where each code point of the text begins in its UTF-8, and at the end how many bytes there are."""
    raw = checked(text)
    octets = np.frombuffer(raw, dtype=np.uint8)
    starts = ((octets & _CONTINUATION_BITS) != _CONTINUATION).nonzero()[0]
    return np.append(starts, len(raw)).astype(np.int64)


def decode_lossy(raw: bytes) -> tuple[str, NDArray[np.int64]]:
    """The bytes as text, bad ones as U+FFFD (as `bytes.decode` replaces them), and each byte's code point in it."""
    texts: list[str] = []
    places: list[NDArray[np.int64]] = []
    start = length = 0
    while start < len(raw):
        try:
            good, bad = len(raw), len(raw)
            texts.append(raw[start:].decode("utf-8"))
        except UnicodeDecodeError as error:
            good, bad = start + error.start, start + error.end
            texts.append(raw[start:good].decode("utf-8") + "\ufffd")
        places.append(code_points(raw[start:good]) + length)
        length += len(texts[-1])
        places.append(np.full(bad - good, length - 1, dtype=np.int64))
        start = bad
    return "".join(texts), np.concatenate(places) if places else np.zeros(0, dtype=np.int64)
