"""Ids to text, and for each id the span of the text that it stands for, as the families write."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from weft.data.pretokens import byte_alphabet
from weft.data.rewriting import SPACE
from weft.data.tokenizer import Span
from weft.data.utf8 import decode_lossy

_ALPHABET = byte_alphabet()
_BYTE = re.compile(r"<0x([0-9A-F]{2})>")


class Writer:
    """Writes with one vocabulary; ids that are silent or beyond it stand for no text."""

    def __init__(self, names: Sequence[str], *, silent: Iterable[int], writing: str) -> None:
        """`names` are the tokens by id; how they become text is named by `writing`, a key of `WRITINGS`."""
        as_bytes, self._strip, self._first = WRITINGS[writing]
        hidden = frozenset(silent)
        self._bytes = [b"" if i in hidden else as_bytes(name) for i, name in enumerate(names)]

    def decode(self, ids: Iterable[int]) -> str:
        """The text of the ids; bytes that are no UTF-8 become U+FFFD."""
        text = b"".join(self._parts(ids)).decode("utf-8", errors="replace")
        return text[slice(*self._kept(text))]

    def token_spans(self, ids: Sequence[int]) -> tuple[str, list[Span]]:
        """As `TextTokenizer.token_spans`: without the spaces before words."""
        parts = list(self._parts(ids))
        text, places = decode_lossy(b"".join(parts))
        ends = np.cumsum([len(part) for part in parts], dtype=np.int64).tolist()
        inside = [*places.tolist(), len(text)]
        left, right = self._kept(text)
        spans: list[Span] = []
        for part, end in zip(parts, ends, strict=True):
            start = end - len(part)
            start += len(part) - len(part.lstrip(b" ")) if part.strip(b" ") else 0
            first, last = inside[start], inside[end - 1] + 1 if end > start else inside[start]
            spans.append((min(max(first, left), right) - left, min(max(last, left), right) - left))
        return text[left:right], spans

    def _parts(self, ids: Iterable[int]) -> list[bytes]:
        parts = [self._bytes[i] if i < len(self._bytes) else b"" for i in ids]
        first = next((place for place, part in enumerate(parts) if part), None)
        if first is not None:
            parts[first] = self._first(parts[first])
        return parts

    def _kept(self, text: str) -> Span:
        """What is left when white space at the ends is stripped, if it is."""
        if not self._strip:
            return 0, len(text)
        left = len(text) - len(text.lstrip())
        return left, max(left, len(text.rstrip()))


def _byte_level(name: str) -> bytes:
    """Each character is a byte; a token with any other stands for itself."""
    return bytes(_ALPHABET[c] for c in name) if _ALPHABET.keys() >= set(name) else name.encode("utf-8")


def _piece(name: str) -> bytes:
    return name.replace(SPACE, " ").encode("utf-8")


def _piece_or_byte(name: str) -> bytes:
    found = _BYTE.fullmatch(name)
    return bytes([int(found[1], 16)]) if found else _piece(name)


def _same(first: bytes) -> bytes:
    return first


def _without_spaces(first: bytes) -> bytes:
    return first.replace(b" ", b"")


def _without_space(first: bytes) -> bytes:
    return first.removeprefix(b" ")


WRITINGS: dict[str, tuple[Callable[[str], bytes], bool, Callable[[bytes], bytes]]] = {
    "bytes": (_byte_level, False, _same),
    "words": (_piece, False, _without_spaces),
    "stripped": (_piece_or_byte, True, _same),
    "spaces": (_piece_or_byte, False, _same),
    "spaces, first dropped": (_piece_or_byte, False, _without_space),
}
"""How a token becomes bytes, whether white space at the ends is stripped, what the first token loses."""
