"""Translation models as an aligner: each text is forced on a model that reads the other, and its attention is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import isqrt

from weft.aligning.sentence_pairs import WordPair
from weft.aligning.two_ways import Direction, Directions, OneWay, TwoWays
from weft.alignment.settings import AlignmentSettings
from weft.base.errors import ConfigError, DataError, UnsupportedError
from weft.store.config import LanguagePair
from weft.store.folder import StoredModel
from weft.translating.forcing import ForcedPair, forced_pairs
from weft.translating.looking import alignment_of

MOST_CELLS = 1 << 25
"""Source tokens times target tokens of a pair: weights over more would take gigabytes."""
_WINDOW = 512  # pairs that are sorted by length together: what is held in memory, and how late the first answer comes


@dataclass(frozen=True)
class Reader:
    """A model that is made to write one text of a pair while it reads the other."""

    stored: StoredModel
    to: str
    """The language of what it writes."""
    settings: AlignmentSettings
    """Where in the model, and by which rules, links are read."""

    @classmethod
    def of(cls, stored: StoredModel, to: str, **changes: object) -> Reader:
        """Reads as the model's own settings say, but for `changes` of these.

        Raises UnsupportedError if it has no cross-attention.
        """
        settings = alignment_of(stored.config)
        if settings is None:
            raise UnsupportedError(
                f"model {stored.folder.name} has no cross-attention to align by (it is a {stored.config.model.kind}); "
                "use a transformer, or the statistical aligner"
            )
        return cls(stored, to, settings.model_copy(update=changes))

    def read(self, pairs: Sequence[WordPair]) -> list[ForcedPair]:
        """What the model says of each pair; `check` them first."""
        words = {pair.source: pair.source_words for pair in pairs} | {pair.target: pair.target_words for pair in pairs}
        return forced_pairs(
            self.stored.model,
            self.stored.tokenizer,
            [(pair.source, pair.target) for pair in pairs],
            direction=self.stored.tokenizer.direction(self.to),
            settings=self.settings,
            cut=words.__getitem__,
            scored=False,
        )

    def check(self, pair: WordPair) -> None:
        """Raises DataError for a pair that is too long for the model, or for anybody's memory."""
        shape = self.stored.config.model
        room = shape.max_length - 1 if shape.position == "learned" else None
        enough = isqrt(MOST_CELLS) if room is None else min(isqrt(MOST_CELLS), room)
        lengths = [self._num_tokens(text, enough) for text in (pair.source, pair.target)]
        if room is not None and max(lengths) > room:
            raise DataError(
                f"{pair.where}: wanted at most {room} tokens a side, which is as far as model "
                f"{self.stored.folder.name} knows places, got {max(lengths)}; split the pair, or align without a model"
            )
        if lengths[0] * lengths[1] > MOST_CELLS:
            raise DataError(
                f"{pair.where}: wanted a sentence pair, at most {MOST_CELLS:,} source times target tokens, got "
                f"{lengths[0]:,} times {lengths[1]:,}; split it into sentences"
            )

    def _num_tokens(self, text: str, enough: int) -> int:
        """The number of tokens; that of bytes if it is at most `enough`, for there are no more tokens than bytes."""
        num_bytes = len(text.encode("utf-8", errors="replace"))
        return num_bytes if num_bytes <= enough else len(self.stored.tokenizer.encode(text).ids)


@dataclass(frozen=True)
class ModelAligner:
    """A model that writes targets and one that writes sources, maybe the same; or only one of the two."""

    forward: Reader | None
    reverse: Reader | None

    @property
    def directions(self) -> Directions:
        readers: dict[Direction, Reader | None] = {"forward": self.forward, "reverse": self.reverse}
        return frozenset(name for name, reader in readers.items() if reader is not None)

    def check(self, pair: WordPair) -> None:
        """Raises DataError for a pair that is too long for a model, or for anybody's memory."""
        for reader in (self.forward, self.reverse):
            if reader is not None:
                reader.check(pair)

    def two_ways(self, pairs: Iterable[WordPair], directions: Directions) -> Iterator[TwoWays]:
        """What the models say of each pair, in order; a few hundred pairs are read ahead."""
        forward = self.forward if "forward" in directions else None
        reverse = self.reverse if "reverse" in directions else None
        stream = iter(pairs)
        while window := list(islice(stream, _WINDOW)):
            nothing = [None] * len(window)
            there = nothing if forward is None else map(_forward, forward.read(window))
            back = nothing if reverse is None else map(_reverse, reverse.read([pair.turned for pair in window]))
            yield from map(TwoWays, there, back)


def _forward(found: ForcedPair) -> OneWay:
    return OneWay(found.weights.pairs, found.weights.mass, found.weights.unaligned)


def _reverse(found: ForcedPair) -> OneWay:
    links = frozenset((i, j) for j, i in found.weights.pairs)
    return OneWay(links, found.weights.mass.T, found.weights.unaligned)


def model_aligner(
    forward: StoredModel,
    reverse: StoredModel | None = None,
    *,
    to: str | None = None,
    from_: str | None = None,
    **changes: object,
) -> ModelAligner:
    """The aligner that two models make, or one that translates both ways, or one direction of one alone.

    The languages may be left out where the models leave no choice. `changes` are of the models' alignment settings.
    Raises ConfigError that names the directions there are if none fits or several do, and UnsupportedError for a model
    without cross-attention.
    """
    pair = _languages(forward, reverse, to, from_)
    back = LanguagePair(from_=pair.to, to=pair.from_)
    other = reverse or (forward if back in forward.config.languages else None)
    return ModelAligner(
        Reader.of(forward, pair.to, **changes), None if other is None else Reader.of(other, back.to, **changes)
    )


def _languages(forward: StoredModel, reverse: StoredModel | None, to: str | None, from_: str | None) -> LanguagePair:
    """The one direction that is asked for; with a reverse model, one that this turns round."""
    fits = [pair for pair in forward.config.languages if to in (None, pair.to) and from_ in (None, pair.from_)]
    if not fits:
        wanted = f"{from_ or 'any'}-{to or 'any'}"
        raise ConfigError(
            f"model {forward.folder.name} translates {_named(forward)}, got a request for {wanted}; choose one of these"
        )
    if reverse is not None:
        backwards = {(pair.to, pair.from_) for pair in reverse.config.languages}
        turned = [pair for pair in fits if (pair.from_, pair.to) in backwards]
        if not turned:
            wanted = " or ".join(f"{pair.to}-{pair.from_}" for pair in fits)
            raise ConfigError(
                f"wanted a reverse model that translates {wanted}, got {reverse.folder.name}, which translates "
                f"{_named(reverse)}; name one for the other direction, or leave it out"
            )
        fits = turned
    if len(fits) > 1:
        raise ConfigError(
            f"model {forward.folder.name} translates {', '.join(f'{pair.from_}-{pair.to}' for pair in fits)}; say with "
            "from and to which languages the source and the target of a pair are in"
        )
    return fits[0]


def _named(stored: StoredModel) -> str:
    return ", ".join(f"{pair.from_}-{pair.to}" for pair in stored.config.languages) or "nothing"
