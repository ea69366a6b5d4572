"""Which of a model's directions a request means."""

from __future__ import annotations

from collections.abc import Sequence

from weft.base.errors import ConfigError
from weft.store.config import ANY, LanguagePair


def chosen_pair(languages: Sequence[LanguagePair], *, to: str, from_: str | None, name: str) -> tuple[str, str]:
    """Source and target language; ConfigError names the choices of model `name` if unknown or not clear."""
    choices = [pair.from_ for pair in languages if pair.to in (to, ANY)]
    if ANY in choices:
        return from_ or ANY, to
    known = ", ".join(f"{pair.from_}-{pair.to}" for pair in languages)
    if not choices or (from_ is not None and from_ not in choices):
        wanted = f"{from_}-{to}" if from_ else to
        raise ConfigError(f"model {name} translates {known}, got a request for {wanted}; choose one of these")
    if from_ is None and len(choices) > 1:
        raise ConfigError(f"to {to} there are several source languages; choose one of {', '.join(choices)}")
    return from_ or choices[0], to
