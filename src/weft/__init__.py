"""weft: encoder-decoder Transformers that you can see through."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weft.aligned import Alignment
    from weft.aligning import align
    from weft.converting import convert
    from weft.encoded_source import EncodedSource
    from weft.inspecting import Page, inspect
    from weft.publishing import pull, push
    from weft.translator import Translator, load

__all__ = [
    "Alignment",
    "EncodedSource",
    "Page",
    "Translator",
    "__version__",
    "align",
    "convert",
    "inspect",
    "load",
    "pull",
    "push",
]
__version__ = version("weft")

_HOMES = {
    "Alignment": "weft.aligned",
    "EncodedSource": "weft.encoded_source",
    "Page": "weft.inspecting",
    "Translator": "weft.translator",
    "align": "weft.aligning",
    "convert": "weft.converting",
    "inspect": "weft.inspecting",
    "load": "weft.translator",
    "pull": "weft.publishing",
    "push": "weft.publishing",
}


def __getattr__(name: str) -> Any:
    """Imports the translator (and torch with it) only when it is asked for, so that `weft --help` stays instant."""
    if name not in _HOMES:
        raise AttributeError(f"module 'weft' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(_HOMES[name]), name)
