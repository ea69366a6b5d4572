"""What translating, aligning and storing ask of a tokenizer: weft's own, or one that came with a checkpoint."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from weft.data.direction import Direction
from weft.data.tokenizer import Encoding, Span


class AnyTokenizer(Protocol):
    """Text to ids with spans, ids to text; what is special (padding, ends, languages) is its to say."""

    @property
    def pad(self) -> int: ...

    @property
    def eos(self) -> int: ...

    @property
    def vocabulary_size(self) -> int:
        """Ids are below it; a model may have more."""

    @property
    def languages(self) -> tuple[str, ...]:
        """The target languages that can be asked for, in plain codes."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the content, in hex: equal for tokenizers that are equal."""

    @property
    def target(self) -> AnyTokenizer:
        """The tokenizer that reads target texts: mostly the same."""

    def direction(self, to: str, from_: str | None = None) -> Direction:
        """What stands around ids when a text becomes one of this language; ConfigError for an unknown language."""

    def reading(self, from_: str | None = None, to: str | None = None) -> Direction:
        """What stands around the ids of a source; ConfigError for a language that it needs and does not get."""

    def encode(self, text: str) -> Encoding:
        """Ids of the text alone, and their spans in the text as given."""

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text, as `encode` gives them."""

    def decode(self, ids: Iterable[int]) -> str:
        """The text of the ids that a model wrote, without what is special."""

    def token_spans(self, ids: Sequence[int]) -> tuple[str, list[Span]]:
        """The decoded text, and for each id its span in that text; the span of a special is empty."""

    def save(self, folder: Path) -> None:
        """Writes `tokenizer.json` into the folder."""
