"""A SentencePiece model file (`.spm`, `.model`): its pieces and its rules, read from the protocol buffer it is."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TypeVar

from weft.base.errors import DataError, UnsupportedError

UNIGRAM, BPE = 1, 2


class Kind(IntEnum):
    """What a piece is for."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


@dataclass(frozen=True)
class Piece:
    text: str
    score: float
    kind: Kind


@dataclass(frozen=True)
class SentencePieceFile:
    """What a model file says."""

    pieces: tuple[Piece, ...]
    algorithm: int
    """`UNIGRAM` or `BPE`."""
    unknown: int
    """Id of `<unk>`."""
    byte_fallback: bool
    charsmap: bytes
    dummy_prefix: bool
    remove_extra_spaces: bool


def read_sentencepiece(path: Path) -> SentencePieceFile:
    """The model of a file.

    Raises DataError if it cannot be read or is no such model, UnsupportedError for words or characters as pieces, for
    white space at the end of pieces, and for spaces that stay as they are.
    """
    try:
        whole = _fields(path.read_bytes())
        pieces = tuple(_piece(raw) for raw in _all(whole, 1))
        trainer, normaliser = (_fields(_last(whole, number, b"")) for number in (2, 3))
        found = SentencePieceFile(
            pieces=pieces,
            algorithm=_last(trainer, 3, UNIGRAM),
            unknown=_last(trainer, 40, 0),
            byte_fallback=bool(_last(trainer, 35, 0)),
            charsmap=_last(normaliser, 2, b""),
            dummy_prefix=bool(_last(normaliser, 3, 1)),
            remove_extra_spaces=bool(_last(normaliser, 4, 1)),
        )
    except OSError as error:
        raise DataError(f"{path}: wanted a SentencePiece model, got: {error.strerror}; fetch it again") from error
    except (ValueError, LookupError, struct.error) as error:
        raise DataError(
            f"{path}: wanted a SentencePiece model, got something else or a part; fetch it again"
        ) from error
    if not 0 <= found.unknown < len(pieces):
        raise DataError(f"{path}: wanted a piece for what is unknown, got none; fetch it again")
    if found.algorithm not in (UNIGRAM, BPE) or _last(trainer, 24, 0) or not _last(normaliser, 5, 1):
        raise UnsupportedError(
            f"{path}: wanted unigram or BPE pieces with a space before words, got another sort; weft cannot run it"
        )
    return found


Value = int | bytes
T = TypeVar("T", int, bytes)
Fields = list[tuple[int, Value]]


def _fields(raw: bytes) -> Fields:
    """Field numbers and values of a message, in order."""
    return list(_walk(memoryview(raw)))


def _walk(raw: memoryview) -> Iterator[tuple[int, Value]]:
    """https://protobuf.dev/programming-guides/encoding: a key is a field's number and how its value lies there."""
    place = 0
    while place < len(raw):
        key, place = _varint(raw, place)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, place = _varint(raw, place)
            yield number, value
            continue
        length, place = _varint(raw, place) if wire == 2 else ({1: 8, 5: 4}[wire], place)
        if place + length > len(raw):
            raise ValueError("cut off")
        yield number, bytes(raw[place : place + length])
        place += length


def _varint(raw: memoryview, place: int) -> tuple[int, int]:
    """A number of seven bits a byte, the lowest first, and where it ends."""
    value = shift = 0
    while True:
        octet = raw[place]
        value |= (octet & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if octet < 0x80:
            return value, place
        if shift > 63:
            raise ValueError("too long for a number")


def _all(fields: Fields, number: int) -> list[bytes]:
    return [value for found, value in fields if found == number and isinstance(value, bytes)]


def _last(fields: Fields, number: int, default: T) -> T:
    """The value of a field: the last one counts."""
    for found, value in reversed(fields):
        if found == number:
            if isinstance(value, type(default)):
                return value
            raise ValueError("another sort of value")
    return default


def _piece(raw: bytes) -> Piece:
    fields = _fields(raw)
    [score] = struct.unpack("<f", _last(fields, 2, struct.pack("<f", 0.0)))
    return Piece(_last(fields, 1, b"").decode("utf-8"), score, Kind(_last(fields, 3, int(Kind.NORMAL))))
