"""What stands around the ids of a text when it is read, and when its translation is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

PAD, BOS, EOS = 0, 1, 2
"""The special ids of weft's own tokenizer."""


@dataclass(frozen=True)
class Direction:
    """The special ids of one way of translating; a tokenizer knows them for each pair of its languages.

    weft's own models read the source with `</s>` behind it, and are told the target language by the decoder's first
    token. Others have codes of languages before or behind the source, or as the first token written.
    """

    start: int
    """What the decoder reads first; it is not part of a translation."""
    eos: int = EOS
    before: tuple[int, ...] = ()
    """Ids before those of the source."""
    after: tuple[int, ...] = (EOS,)
    """Ids behind those of the source."""
    first: int | None = None
    """The token that every translation begins with, at no cost."""

    def source(self, ids: Sequence[int]) -> list[int]:
        """What the encoder reads."""
        return [*self.before, *ids, *self.after]

    def written(self, ids: Sequence[int]) -> list[int]:
        """All that the decoder writes."""
        return [*self._first, *ids, self.eos]

    def heard(self, ids: Sequence[int]) -> list[int]:
        """What the decoder reads while it writes the translation."""
        return [self.start, *self._first, *ids]

    @property
    def columns(self) -> slice:
        """Which positions of the source are its text and what stands behind it."""
        return slice(len(self.before), None)

    @property
    def rows(self) -> slice:
        """Which steps of the decoder are those of the translation's own tokens and what follows."""
        return slice(len(self._first), None)

    @property
    def _first(self) -> tuple[int, ...]:
        return () if self.first is None else (self.first,)
