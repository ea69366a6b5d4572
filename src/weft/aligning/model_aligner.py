"""Translation models as an aligner: each text is forced on a model that reads the other, and its attention is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import isqrt

from weft.aligning.languages import direction_of, languages_of, writes
from weft.aligning.sentence_pairs import WordPair
from weft.aligning.two_ways import Direction as Way
from weft.aligning.two_ways import Directions, OneWay, TwoWays
from weft.alignment.settings import AlignmentSettings
from weft.base.errors import DataError, UnsupportedError
from weft.data.direction import Direction
from weft.data.text_tokenizer import TextTokenizer
from weft.store.config import LanguagePair
from weft.store.folder import StoredModel
from weft.translating.forcing import ForcedPair, forced_pairs
from weft.translating.looking import alignment_of, refuse_several

MOST_CELLS = 1 << 25
"""Source tokens times target tokens of a pair: weights over more would take gigabytes."""
_MOST_OF_A_BYTE = 12  # tokens: three bytes, those of an Arabic salutation, may be rewritten as 33 and be cut into these
_WINDOW = 512  # pairs that are sorted by length together: what is held in memory, and how late the first answer comes


@dataclass(frozen=True)
class Reader:
    """A model that is made to write one text of a pair while it reads the other."""

    stored: StoredModel
    to: str
    """The language of what it writes."""
    direction: Direction
    """What stands around the ids of a pair."""
    settings: AlignmentSettings
    """Where in the model, and by which rules, links are read."""

    @classmethod
    def of(cls, stored: StoredModel, languages: LanguagePair, **changes: object) -> Reader:
        """Reads as the model's own settings say, but for `changes` of these.

        Raises UnsupportedError if it has no cross-attention, ConfigError if it wants to be told the source language.
        """
        settings = alignment_of(stored.config)
        if settings is None:
            raise UnsupportedError(
                f"model {stored.folder.name} has no cross-attention to align by (it is a {stored.config.model.kind}); "
                "use a transformer, or the statistical aligner"
            )
        refuse_several(stored.config.model)
        return cls(stored, languages.to, direction_of(stored, languages), settings.model_copy(update=changes))

    def read(self, pairs: Sequence[WordPair]) -> list[ForcedPair]:
        """What the model says of each pair; `check` them first."""
        words = {pair.source: pair.source_words for pair in pairs} | {pair.target: pair.target_words for pair in pairs}
        return forced_pairs(
            self.stored.model,
            self.stored.tokenizer,
            [(pair.source, pair.target) for pair in pairs],
            direction=self.direction,
            settings=self.settings,
            cut=words.__getitem__,
            scored=False,
        )

    def check(self, pair: WordPair) -> None:
        """Raises DataError for a pair that is too long for the model, or for anybody's memory."""
        shape, tokenizer = self.stored.config.model, self.stored.tokenizer
        around = max(len(self.direction.source(())), len(self.direction.heard(())))
        room = shape.max_length - around if shape.position == "learned" else None
        enough = isqrt(MOST_CELLS) if room is None else min(isqrt(MOST_CELLS), room)
        lengths = [_num_tokens(pair.source, tokenizer, enough), _num_tokens(pair.target, tokenizer.target, enough)]
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


def _num_tokens(text: str, tokenizer: TextTokenizer, enough: int) -> int:
    """The number of tokens, at least if it is more than `enough`: what surely has no more need not be cut."""
    most = _MOST_OF_A_BYTE * len(text.encode("utf-8", errors="replace")) + 1
    return most if most <= enough else len(tokenizer.encode(text).ids)


@dataclass(frozen=True)
class ModelAligner:
    """A model that writes targets and one that writes sources, maybe the same; or only one of the two."""

    forward: Reader | None
    reverse: Reader | None

    @property
    def directions(self) -> Directions:
        readers: dict[Way, Reader | None] = {"forward": self.forward, "reverse": self.reverse}
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
    pair = languages_of(forward, reverse, to=to, from_=from_)
    back = LanguagePair(from_=pair.to, to=pair.from_)
    other = reverse or (forward if writes(forward, back) else None)
    return ModelAligner(
        Reader.of(forward, pair, **changes), None if other is None else Reader.of(other, back, **changes)
    )
