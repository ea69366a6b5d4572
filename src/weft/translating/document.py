"""How a document is translated: what the encoder reads at once, and what the decoder sees and writes at once."""

from __future__ import annotations

from dataclasses import dataclass

from weft.base.errors import ConfigError
from weft.translating.segments import LONGEST


@dataclass(frozen=True)
class Document:
    """Ways to translate a document; as they stand they are those of a model that was trained on sentences.

    Such a model reads each sentence by itself and writes its translation by itself: with neighbours in sight it writes
    them too, and asked for everything at once it stops early (docs/long-sources.md has the figures). A model that was
    trained on documents or to summarise wants other values.
    """

    whole: bool = False
    """Whether the decoder writes once for all of a document, from a joint memory of it. Line ends are lost."""
    chunk: int | None = None
    """Tokens that the encoder reads at once, whatever sentences they are of; None: a sentence by itself, or, where the
    whole is written at once, as many as a segment may have."""
    overlap: int | None = None
    """Tokens on each side of what is kept of a chunk, that are read for its sake alone; None: a quarter of a chunk."""
    context: int = 0
    """Sentences of the same line before each one that the decoder sees with it, with their translations as what it has
    written already."""

    def __post_init__(self) -> None:
        if self.context < 0 or (self.context and self.whole):
            raise ConfigError(
                f"context must be a number of sentences from 0 on, and 0 where the whole is written at once, got "
                f"{self.context}; leave one out"
            )
        if self.chunk is None and self.overlap is not None and not self.whole:
            raise ConfigError(f"an overlap of {self.overlap} wants a chunk that it is part of; set chunk too")
        if self.chunk is not None and self.chunk < 1:
            raise ConfigError(f"a chunk wants at least 1 token, got {self.chunk}; leave it out for what serves most")

    @staticmethod
    def of(document: bool | Document) -> Document | None:
        """What a caller said: False is none, True one as it stands."""
        return document if isinstance(document, Document) else Document() if document else None

    def chunk_of(self, room: int | None) -> tuple[int, int] | None:
        """Size and overlap of chunks for a model that knows `room` positions (None: any number); None: no chunks.

        Raises ConfigError for chunks longer than the model's positions, and for overlaps that leave nothing to keep.
        """
        size = self.chunk
        if size is None:
            if not self.whole:
                return None
            size = LONGEST if room is None else room
        if room is not None and size > room:
            raise ConfigError(
                f"a chunk must fit the {room} positions that this model knows, got {size} tokens; make it shorter: the "
                "source may be as long as you like, and is read in several chunks"
            )
        overlap = size // 4 if self.overlap is None else self.overlap
        if overlap < 0 or 2 * overlap >= size:
            raise ConfigError(
                f"an overlap must be at least 0 and below half of the chunk, got {overlap} of {size} tokens; "
                "nothing would be left to keep"
            )
        return size, overlap
