"""Which languages the two texts of a pair are in: as asked for, and as the models leave no choice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from weft.base.errors import ConfigError, UnsupportedError
from weft.data.direction import Direction
from weft.store.config import ANY, LanguagePair
from weft.store.folder import StoredModel


def direction_of(stored: StoredModel, languages: LanguagePair) -> Direction:
    """What the model wants to see around ids of these languages; ConfigError if it must know one that is open."""
    return stored.tokenizer.direction(languages.to, None if languages.from_ == ANY else languages.from_)


def writes(stored: StoredModel, languages: LanguagePair) -> bool:
    """Whether it says that it translates so. One that names no target language says nothing."""
    known = stored.config.languages
    return languages.to != ANY and any(pair.to == languages.to and _same(pair.from_, languages.from_) for pair in known)


def languages_of(
    forward: StoredModel, reverse: StoredModel | None = None, *, to: str | None = None, from_: str | None = None
) -> LanguagePair:
    """The one direction that is asked for; with a reverse model, one that this turns round.

    Raises ConfigError that names the directions there are if none fits or several do, UnsupportedError for a model that
    reads no text.
    """
    for stored in (forward, reverse or forward):
        _refuse_others(stored)
    to, from_ = (language and forward.tokenizer.plain(language) for language in (to, from_))
    fits = [
        LanguagePair(from_=_told(pair.from_, from_), to=_told(pair.to, to))
        for pair in forward.config.languages
        if _same(pair.to, to or ANY) and _same(pair.from_, from_ or ANY)
    ]
    if not fits:
        wanted = f"{from_ or 'any'}-{to or 'any'}"
        raise ConfigError(
            f"model {forward.folder.name} translates {_named(forward.config.languages)}, got a request for {wanted}; "
            "choose one of these"
        )
    if reverse is not None:
        fits = _turned(fits, forward, reverse)
    if len(fits) > 1:
        raise ConfigError(
            f"model {forward.folder.name} translates {_named(fits)}; say with from and to which languages the source "
            "and the target of a pair are in"
        )
    return fits[0]


def _refuse_others(stored: StoredModel) -> None:
    if (reads := stored.config.model.source.modality) != "text":
        raise UnsupportedError(
            f"model {stored.folder.name} reads a {reads}, and pairs are of texts; choose a model that translates"
        )


def _turned(fits: Sequence[LanguagePair], forward: StoredModel, reverse: StoredModel) -> list[LanguagePair]:
    """Those that a reverse model turns round, with the languages that it alone names."""
    backwards = reverse.config.languages
    found = [
        LanguagePair(from_=_told(pair.from_, back.to), to=_told(pair.to, back.from_))
        for pair in fits
        for back in backwards
        if _same(pair.from_, back.to) and _same(pair.to, back.from_)
    ]
    if not found:
        wanted = " or ".join(f"{pair.to}-{pair.from_}" for pair in fits)
        raise ConfigError(
            f"wanted a reverse model that translates {wanted}, got {reverse.folder.name}, which translates "
            f"{_named(backwards)}; name one for the other direction, or leave it out"
        )
    return list(dict.fromkeys(found))


def _same(one: str, other: str) -> bool:
    return ANY in (one, other) or one == other


def _told(known: str, asked: str | None) -> str:
    return asked if known == ANY and asked is not None else known


def _named(pairs: Iterable[LanguagePair]) -> str:
    return ", ".join(f"{pair.from_}-{pair.to}" for pair in pairs) or "nothing"
