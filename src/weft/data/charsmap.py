"""The rules by which SentencePiece rewrites text (NFKC and its like), compiled into a trie over UTF-8.

Kudo and Richardson 2018, https://arxiv.org/abs/1808.06226, section 3.2. The trie is a double array of darts-clone 0.32.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from weft.base.errors import DataError

_HEADER = 4  # bytes that tell how long the trie is
_VALUE, _LABEL, _HAS_VALUE, _WIDE = 0x7FFF_FFFF, 0x8000_00FF, 1 << 8, 1 << 9


class Charsmap:
    """Rules from a few characters to others."""

    def __init__(self, rules: bytes) -> None:
        """`rules` as models hold them; empty for none. Raises DataError if they are cut off."""
        self._units, self._texts = _parts(rules)
        self._steps: dict[tuple[int, str], tuple[int, str | None]] = {}

    def matches(self, text: str, start: int, stop: int) -> Iterator[tuple[int, str]]:
        """Every rule for what stands at `start`, the shortest first: its end, `stop` at most, and what it makes."""
        node, place = 0, start
        while node >= 0 and place < stop:
            node, made = self._step(node, text[place])
            place += 1
            if made is not None:
                yield place, made

    def _step(self, node: int, character: str) -> tuple[int, str | None]:
        """The node behind a character, -1 if there is none, and what the rule that ends there makes, if one does."""
        key = (node, character)
        if key not in self._steps:
            self._steps[key] = self._walk(node, character.encode("utf-8"))
        return self._steps[key]

    def _walk(self, node: int, octets: bytes) -> tuple[int, str | None]:
        if not self._units:
            return -1, None
        for octet in octets:
            node ^= _offset(self._units[node]) ^ octet
            if node >= len(self._units) or self._units[node] & _LABEL != octet:
                return -1, None
        unit = self._units[node]
        if not unit & _HAS_VALUE:
            return node, None
        start = self._units[node ^ _offset(unit)] & _VALUE
        return node, self._texts[start : self._texts.index(b"\0", start)].decode("utf-8")


def _offset(unit: int) -> int:
    """How far the children of a node are."""
    return (unit >> 10) << ((unit & _WIDE) >> 6)


def _parts(rules: bytes) -> tuple[tuple[int, ...], bytes]:
    """The double array, and what the rules make, one behind the other, each ended by a zero."""
    if not rules:
        return (), b""
    size = struct.unpack_from("<I", rules)[0] if len(rules) >= _HEADER else len(rules)
    if size % 4 or _HEADER + size > len(rules) or not rules.endswith(b"\0"):
        raise DataError(f"wanted rules of SentencePiece, got {len(rules)} bytes that are none; fetch the model again")
    return struct.unpack_from(f"<{size // 4}I", rules, _HEADER), rules[_HEADER + size :]
