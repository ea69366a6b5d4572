"""Documents as a translator is asked for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from weft.base.errors import ConfigError, UnsupportedError
from weft.data.direction import Direction
from weft.store.folder import StoredModel
from weft.translating.decoding import Decoder
from weft.translating.document import Document
from weft.translating.documents import Wanted, as_read, translated_lines, translation_of
from weft.translating.requests import Request, Requests
from weft.translating.segments import room_of
from weft.translating.translation import Translation


class DocumentTranslator:
    """Translates documents with one model of one source."""

    def __init__(self, stored: StoredModel, decoder: Decoder, requests: Requests) -> None:
        self._decoder, self._requests = decoder, requests
        self._room, self._several = room_of(stored.config.model), ", ".join(stored.config.model.sources)

    def read(self, text: Any, told: Document, direction: Direction) -> list[Request]:
        """Texts, or encoded ones, as documents that have been read as they are told to be.

        Raises UnsupportedError for a model of several sources, and what `as_read` does.
        """
        if self._several:
            raise UnsupportedError(
                f"a document is one text, got a model that reads sources {self._several}; translate inputs one by one"
            )
        told.chunk_of(self._room)  # raises before any work
        found = [one.source for one in self._requests.of(text)]
        read = [as_read(source, told, self._decoder, direction, room=self._room) for source in found]
        return [Request(source, source.segments) for source in read]

    def translate(self, text: Any, wanted: Wanted, *, prefix: str | None) -> list[Translation]:
        """A translation of each document. Raises ConfigError for a prefix, which is of one sentence."""
        if prefix:
            raise ConfigError("a prefix wants texts of one sentence each, got a document; leave prefix or document out")
        self._decoder.looking(wanted.align)  # raises before any work
        read = self.read(text, wanted.told, wanted.direction)
        return [translation_of(one.source, self._decoder, wanted) for one in read]

    def lines(self, text: str, wanted: Wanted, *, first: int) -> Iterator[Translation]:
        """A translation of each line of one document from number `first` on."""
        self._decoder.looking(wanted.align)
        [read] = self.read(text, wanted.told, wanted.direction)
        return translated_lines(read.source, self._decoder, wanted, first=first)
