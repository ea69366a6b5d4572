"""weft: encoder-decoder Transformers that you can see through."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weft.aligning.align import align
    from weft.aligning.aligned import Alignment
    from weft.aligning.inspecting import Page, inspect
    from weft.converting import convert
    from weft.publishing import pull, push
    from weft.translating.document import Document
    from weft.translating.encoded_source import EncodedSource
    from weft.translating.loading import load
    from weft.translating.transcribing import Transcriber, Transcription, transcriber
    from weft.translating.translator import Translator

__all__ = [
    "Alignment",
    "Document",
    "EncodedSource",
    "Page",
    "Transcriber",
    "Transcription",
    "Translator",
    "__version__",
    "align",
    "convert",
    "inspect",
    "load",
    "pull",
    "push",
    "transcriber",
]
__version__ = version("weft")

_HOMES = {
    "Alignment": "weft.aligning.aligned",
    "Document": "weft.translating.document",
    "EncodedSource": "weft.translating.encoded_source",
    "Page": "weft.aligning.inspecting",
    "Transcriber": "weft.translating.transcribing",
    "Transcription": "weft.translating.transcribing",
    "Translator": "weft.translating.translator",
    "align": "weft.aligning.align",
    "convert": "weft.converting",
    "inspect": "weft.aligning.inspecting",
    "load": "weft.translating.loading",
    "pull": "weft.publishing",
    "push": "weft.publishing",
    "transcriber": "weft.translating.transcribing",
}


def __getattr__(name: str) -> Any:
    """Imports the translator (and torch with it) only when it is asked for, so that `weft --help` stays instant."""
    if name not in _HOMES:
        raise AttributeError(f"module 'weft' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(_HOMES[name]), name)
