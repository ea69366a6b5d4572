"""What weft asks of a tokenizer, its own or that of somebody else's model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from weft.data.direction import Direction
from weft.data.tokenizer import Encoding, Span


class TextTokenizer(Protocol):
    """Text to ids with spans, ids to text, and what stands around ids in each direction.

    Spans are half-open, in code points of the text as given, before any normalisation; ids that stand for none of it
    have an empty span. Ids of `encode` are without specials: those are the direction's.
    """

    @property
    def vocabulary_size(self) -> int:
        """Number of ids of the source; all that the model has an embedding for, named or not."""
        ...

    @property
    def languages(self) -> tuple[str, ...]:
        """The target languages that can be asked for."""
        ...

    @property
    def fingerprint(self) -> str:
        """Equal for tokenizers that are equal."""
        ...

    @property
    def target(self) -> TextTokenizer:
        """The tokenizer of what is written: itself, unless source and target have vocabularies of their own."""
        ...

    def plain(self, language: str) -> str:
        """The plain code of a language that is named as the model's makers did (`eng_Latn` is `en`), else the name."""
        ...

    def direction(self, to: str, from_: str | None = None) -> Direction:
        """What stands around ids of this pair of languages; ConfigError names those there are."""
        ...

    def reading(self, from_: str | None = None, to: str | None = None) -> Direction:
        """What stands around the ids of a source alone; ConfigError if it must know a language that is not given."""
        ...

    def encode(self, text: str) -> Encoding: ...

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]: ...

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ids that were written: specials are skipped."""
        ...

    def token_spans(self, ids: Sequence[int]) -> tuple[str, list[Span]]:
        """What `decode` says of ids that were written, and the span of each id in it."""
        ...

    def save(self, folder: Path) -> None:
        """Writes all that is needed to read it again into a model folder."""
        ...
