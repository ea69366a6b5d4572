"""Where tokens may never reach across: the pieces of text that byte-pair merging works inside."""

from __future__ import annotations

_LETTER = r"[\p{L}\p{M}]"
_CONTRACTION = rf"(?i:s|t|re|ve|m|ll|d)(?!{_LETTER})"

# Every length is capped, so that a megabyte without a space is not one piece: merging is worse than linear in a piece.
# Tried in this order. The union covers every character, so nothing falls between two pieces.
PATTERN = "|".join(
    (
        rf" ?%[sdif](?!{_LETTER})",  # a placeholder, never a word of its own
        rf"['’]{_CONTRACTION}",  # don't -> don 't
        rf" ?{_LETTER}{{1,24}}['’](?!{_CONTRACTION})(?={_LETTER})",  # l'homme -> l' homme
        rf" ?{_LETTER}{{1,48}}",
        r" ?\p{N}",  # digits one by one: numbers are copied, not remembered
        r" ?[^\s\p{L}\p{M}\p{N}]{1,16}",
        r"\s{1,32}(?!\S)",  # all but the last space before a word: that one is the word's own
        r"\s{1,32}",
    )
)


def byte_alphabet() -> dict[str, int]:
    """The printable character that stands for each byte in a vocabulary (Radford et al. 2019, GPT-2), to that byte."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + place): byte for place, byte in enumerate(others)}
