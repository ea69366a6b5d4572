"""What a translator can be asked for, and how."""

from __future__ import annotations

from typing import TypedDict

from weft.alignment.settings import AlignmentSettings
from weft.generation.settings import SearchSettings
from weft.translating.encoded_source import EncodedSource

Texts = list[str] | tuple[str, ...]
Text = str | Texts | EncodedSource


class Options(TypedDict, total=False):
    """What `Translator.translate` understands beside the text and its target language."""

    from_: str | None
    beam: int | None
    nbest: int
    align: bool
    prefix: str | None
    settings: SearchSettings | None


class CaptionOptions(TypedDict, total=False):
    """What `Translator.caption` understands beside the pictures."""

    to: str | None
    beam: int | None
    nbest: int
    settings: SearchSettings | None
    explain: bool | AlignmentSettings
