"""What `tokenizer.json` holds when a tokenizer came with a checkpoint: definitions of `tokenizers`, and what is around.

The library's own format has no room for languages, for what stands around a source, or for Marian's second model, and
refuses keys that it does not know; so its definitions, unchanged, are parts of this file.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict

FROM: Final = "from"
TO: Final = "to"
"""In a frame: the id of the source's language, and of the target's."""
Slot = int | Literal["from", "to"]
Writing = Literal["bytes", "words", "stripped", "spaces", "spaces, first dropped"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Rewriting(_Frozen):
    """How SentencePiece rewrites text before it is cut."""

    charsmap: str
    """The compiled rules, in base 64."""
    dummy_prefix: bool = True
    """Whether a space is put before every text."""
    remove_extra_spaces: bool = True
    """Whether spaces at the ends and in rows are dropped."""


class Reading(_Frozen):
    """How texts of one side become ids."""

    engine: dict[str, Any]
    """A definition of `tokenizers`."""
    rewriting: Rewriting | None = None
    """What happens to text before the engine sees it; None: the engine normalises, if anybody does."""
    vocabulary: tuple[str, ...] | None = None
    """Tokens by id; None: ids are the engine's own."""


class Around(_Frozen):
    """The frame of a source, with slots for languages."""

    start: Slot
    before: tuple[Slot, ...] = ()
    after: tuple[Slot, ...] = ()
    forced: tuple[Slot, ...] = ()


class Definition(_Frozen):
    """All of the file."""

    kind: Literal["borrowed"] = "borrowed"
    """Tells this file from weft's own tokenizers."""
    family: str
    """Where it comes from, for readers."""
    source: Reading
    """How sources are read."""
    target: Reading | None = None
    """How targets are read, where that differs; its vocabulary is the one that is written with."""
    sizes: tuple[int, int] | None = None
    """How many ids the model has for sources and for targets; None: as many as there are tokens."""
    pad: int
    eos: int
    bos: int | None = None
    unknown: int | None = None
    silent: tuple[int, ...]
    """Ids that stand for no text."""
    readable: tuple[str, ...] = ()
    """Special tokens that a text may name, such as `<extra_id_0>`; all others are so many characters there."""
    writing: Writing
    """How tokens become text; see `writer.WRITINGS`."""
    around: Around
    languages: dict[str, int | None] = {}
    """Plain codes to the id that stands for the language, None where nothing needs to be said."""
    names: dict[str, str] = {}
    """The checkpoint's own names of languages to plain codes."""
    prompts: dict[str, str] = {}
    """Directions, as in `en-de`, to the words that ask for them; these are put before the source."""
