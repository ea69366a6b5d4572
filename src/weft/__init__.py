"""weft: encoder-decoder Transformers that you can see through."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weft.translator import Translator, load

__all__ = ["Translator", "__version__", "load"]
__version__ = version("weft")


def __getattr__(name: str) -> Any:
    """Imports the translator (and torch with it) only when it is asked for, so that `weft --help` stays instant."""
    if name not in ("Translator", "load"):
        raise AttributeError(f"module 'weft' has no attribute {name!r}; it has {', '.join(__all__)}")
    import weft.translator

    return getattr(weft.translator, name)
