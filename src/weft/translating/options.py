"""What a translator can be asked for, and how."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, TypedDict

from weft.alignment.settings import AlignmentSettings
from weft.data.open_picture import PictureLike
from weft.generation.settings import SearchSettings
from weft.translating.document import Document
from weft.translating.encoded_source import EncodedSource
from weft.translating.given import Given

Texts = list[str] | tuple[str, ...]
Inputs = list[Given] | tuple[Given, ...]
Image: TypeAlias = "PictureLike | Sequence[PictureLike | None]"
"""A picture, or one (or None) for each of several inputs."""
Text = str | Texts | EncodedSource | Given | Inputs


class Options(TypedDict, total=False):
    """What `Translator.translate` understands beside the text and its target language."""

    from_: str | None
    beam: int | None
    nbest: int
    align: bool
    prefix: str | None
    settings: SearchSettings | None
    image: Image | None
    document: bool | Document


class Asked(TypedDict, total=False):
    """What `Translator.translate_document` understands beside the document and its target language."""

    from_: str | None
    beam: int | None
    nbest: int
    align: bool


class CaptionOptions(TypedDict, total=False):
    """What `Translator.caption` understands beside the pictures."""

    to: str | None
    beam: int | None
    nbest: int
    settings: SearchSettings | None
    explain: bool | AlignmentSettings


def texts_of(text: str | Texts | Given | Inputs) -> Sequence[str | Given]:
    """What is asked for, one by one."""
    return text if isinstance(text, list | tuple) else [text]
