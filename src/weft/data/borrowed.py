"""A tokenizer that came with a checkpoint, run as its model was trained with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

from weft.base.errors import ConfigError
from weft.base.validate import validate
from weft.data.borrowed_definition import FROM, Definition, Slot
from weft.data.direction import Direction
from weft.data.reader import Reader
from weft.data.tokenizer import FILE_NAME, Encoding, Span
from weft.data.writer import Writer


class BorrowedTokenizer:
    """Speaks `TextTokenizer`; everything that differs between families is in the definition."""

    def __init__(self, definition: str, *, side: str = "source") -> None:
        """From the text of a `tokenizer.json`; ValueError if it is none of this kind. `side` is what it reads."""
        self.definition, self._side = definition, side
        self._about = about = validate(Definition, json.loads(definition), where=FILE_NAME)
        reading = about.target if side == "target" and about.target is not None else about.source
        self._reader = Reader(reading, readable=about.readable, unknown=about.unknown)
        self._writer = Writer(names(about), silent=about.silent, writing=about.writing)

    @property
    def pad(self) -> int:
        return self._about.pad

    @property
    def eos(self) -> int:
        return self._about.eos

    @property
    def bos(self) -> int | None:
        return self._about.bos

    @property
    def family(self) -> str:
        """Where it came from, such as "marian"."""
        return self._about.family

    @property
    def vocabulary_size(self) -> int:
        """Number of ids, of the source or, for `target`, of what is written: all that the model has, named or not."""
        if self._about.sizes is not None:
            return self._about.sizes[self._side == "target"]
        return self._reader.vocabulary_size

    @property
    def languages(self) -> tuple[str, ...]:
        """The target languages that can be asked for, in plain codes; none for a model that knows of no languages."""
        return tuple(self._about.languages)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the content, in hex: equal for tokenizers that are equal."""
        return hashlib.sha256(self.definition.encode("utf-8")).hexdigest()

    @cached_property
    def target(self) -> BorrowedTokenizer:
        """The tokenizer of target texts; Marian has another model for them."""
        return self if self._about.target is None else BorrowedTokenizer(self.definition, side="target")

    def direction(self, to: str, from_: str | None = None) -> Direction:
        """What stands around ids when a text becomes one of this language.

        Languages may be called as the checkpoint calls them, too. ConfigError for one that is unknown, or that the
        model reads and that is not given.
        """
        around, languages = self._about.around, self._languages(to=to, from_=from_)
        [start] = self._filled([around.start], languages)
        first = self._filled(around.forced, languages)
        return Direction(
            start,
            eos=self.eos,
            before=(*self._prompt(to, from_), *self._filled(around.before, languages)),
            after=self._filled(around.after, languages),
            first=first[0] if first else None,
        )

    def reading(self, from_: str | None = None, to: str | None = None) -> Direction:
        """What stands around the ids of a source, of languages as far as the model reads any with it."""
        around, languages = self._about.around, self._languages(to=to, from_=from_)
        asked = self._prompt(to or "", from_)
        before, after = (self._filled(slots, languages) for slots in (around.before, around.after))
        return Direction(self.eos, eos=self.eos, before=(*asked, *before), after=after)

    def forced(self, to: str) -> tuple[int, ...]:
        """All that is written first for a language: of Whisper also the task, and that there are no times."""
        return self._filled(self._about.around.forced, self._languages(to=to, from_=None))

    def encode(self, text: str) -> Encoding:
        """Ids of the text alone, and their spans in the text as given.

        A token with a leading space does not span the space; a space that normalisation puts before a word, and that
        is a token of its own, spans nothing.
        """
        return self._reader.encode(text) if text else Encoding([], [])

    def plain(self, language: str) -> str:
        """The plain code of a language that the checkpoint has another name for; any other as it is."""
        return self._about.names.get(language, language)

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text, as `encode` gives them."""
        return self._reader.encode_batch(texts)

    def decode(self, ids: Iterable[int]) -> str:
        """The text of the ids, without what is special."""
        return self._writer.decode(ids)

    def token_spans(self, ids: Sequence[int]) -> tuple[str, list[Span]]:
        """The decoded text, and for each id its span in that text; the span of a special is empty."""
        return self._writer.token_spans(ids)

    def save(self, folder: Path) -> None:
        """Writes `tokenizer.json` into the folder."""
        (folder / FILE_NAME).write_text(self.definition, encoding="utf-8")

    def _languages(self, **named: str | None) -> dict[str, int | None]:
        """The ids of languages by their slots, of those that are named; None for one that needs no token."""
        found, known = dict[str, int | None](), self._about.languages
        for slot, language in named.items():
            if language is None:
                continue
            plain = self.plain(language)
            if known and plain not in known and (slot == "to" or self._reads_source_language):
                raise ConfigError(
                    f"{slot.rstrip('_')} must be one of {', '.join(known)}, got {language!r}; choose one of these"
                )
            found[slot.rstrip("_")] = known.get(plain)
        return found

    @property
    def _reads_source_language(self) -> bool:
        around = self._about.around
        return FROM in (*around.before, *around.after)

    def _filled(self, slots: Iterable[Slot], languages: dict[str, int | None]) -> tuple[int, ...]:
        """Slots with the ids of languages; ConfigError for one that is not given."""
        found: list[int] = []
        for slot in slots:
            if isinstance(slot, str) and slot not in languages:
                known = ", ".join(self.languages)
                raise ConfigError(f"{slot} must be given: this model needs it with the source; choose one of {known}")
            token = languages[slot] if isinstance(slot, str) else slot
            found += [] if token is None else [token]
        return tuple(found)

    def _prompt(self, to: str, from_: str | None) -> tuple[int, ...]:
        """The ids of the words that ask for a direction, if it takes words."""
        if not self._about.prompts:
            return ()
        prompts = {way: text for way, text in self._about.prompts.items() if way.endswith(f"-{to}")}
        found = prompts.get(f"{from_}-{to}") if from_ else next(iter(prompts.values()), None)
        if found is None:
            known = ", ".join(self._about.prompts)
            raise ConfigError(f"this model can be asked for {known}, got {from_}-{to}; choose one of these")
        return tuple(self.encode(found).ids)


def names(about: Definition) -> list[str]:
    """The tokens by id that are written with; ids that no token has are empty."""
    reading = about.target or about.source
    if reading.vocabulary is not None:
        return list(reading.vocabulary)
    model, added = reading.engine["model"], reading.engine["added_tokens"]
    if model.get("type") == "Unigram":
        found = {i: name for i, (name, _) in enumerate(model["vocab"])}
    else:
        found = {i: name for name, i in model["vocab"].items()}
    found |= {token["id"]: token["content"] for token in added}
    return [found.get(i, "") for i in range(max(found, default=-1) + 1)]
