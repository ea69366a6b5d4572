"""The life of a sentence: text -> ids -> memory -> hypotheses -> text, with the alignment read on the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Any, Literal, Unpack, overload

from weft.alignment.link import WordAlignment
from weft.alignment.settings import AlignmentSettings
from weft.attention.tally import Tally
from weft.base.errors import ConfigError, UnsupportedError
from weft.data.direction import Direction
from weft.data.open_picture import PictureLike
from weft.generation.settings import SearchSettings
from weft.store.config import ANY, LanguagePair
from weft.store.folder import StoredModel
from weft.translating.caption import Caption
from weft.translating.captioning import Captioner, Images
from weft.translating.decoding import Decoder, Job
from weft.translating.encoded_source import EncodedSource
from weft.translating.forcing import forced_pairs, forced_scores
from weft.translating.given import Given
from weft.translating.looking import alignment_of
from weft.translating.options import CaptionOptions, Image, Inputs, Options, Text, Texts, texts_of
from weft.translating.segments import LONGEST, Segment, Source, read_source, room_of
from weft.translating.several import SeveralTranslator
from weft.translating.streaming import Piece, stream
from weft.translating.translation import Score, Translation
from weft.translating.weaving import Aligned, stayed, woven

_WINDOW = 256  # lines of a file that are translated together


class Translator:
    """Translates with one model. Sources that were read lately are kept, `cache_size` segments of them."""

    def __init__(
        self, stored: StoredModel, *, cache_size: int = 256, batch_tokens: int = 4096, tally: Tally | None = None
    ) -> None:
        """`tally` counts what attention read and left out, where it does not read everything."""
        self.tally = tally or Tally()
        self.stored, self.config, self.card = stored, stored.config, stored.card
        self.tokenizer, self.name = stored.tokenizer, stored.folder.name
        self.decoder = Decoder(
            stored.model,
            stored.tokenizer,
            alignment=alignment_of(stored.config),
            cache_size=cache_size,
            batch_tokens=batch_tokens,
        )
        several = stored.config.model.sources
        self._several = SeveralTranslator(stored, cache_size, batch_tokens=batch_tokens) if several else None

    def __repr__(self) -> str:
        pairs = ", ".join(f"{pair.from_}-{pair.to}" for pair in self.languages)
        return f"<weft translator {self.name}: {pairs}>"

    @property
    def languages(self) -> tuple[LanguagePair, ...]:
        """The directions it translates in."""
        return self.config.languages

    def pair(self, to: str, from_: str | None = None) -> tuple[str, str]:
        """Source and target language of a request; ConfigError names the choices if it is unknown or not clear."""
        self._refuse_text()
        choices = [pair.from_ for pair in self.languages if pair.to in (to, ANY)]
        if ANY in choices:
            return from_ or ANY, to
        known = ", ".join(f"{pair.from_}-{pair.to}" for pair in self.languages)
        if not choices or (from_ is not None and from_ not in choices):
            wanted = f"{from_}-{to}" if from_ else to
            raise ConfigError(f"model {self.name} translates {known}, got a request for {wanted}; choose one of these")
        if from_ is None and len(choices) > 1:
            raise ConfigError(f"to {to} there are several source languages; choose one of {', '.join(choices)}")
        return from_ or choices[0], to

    def direction(self, from_: str, to: str) -> Direction:
        """What the model wants to see around ids of these languages."""
        return self.tokenizer.direction(to, None if from_ == ANY else from_)

    @overload
    def translate(self, text: str | Given, *, to: str, **options: Unpack[Options]) -> Translation: ...
    @overload
    def translate(self, text: Texts | Inputs, *, to: str, **options: Unpack[Options]) -> list[Translation]: ...
    @overload
    def translate(
        self, text: EncodedSource, *, to: str, **options: Unpack[Options]
    ) -> Translation | list[Translation]: ...
    def translate(
        self,
        text: Text,
        *,
        to: str,
        from_: str | None = None,
        beam: int | None = None,
        nbest: int = 1,
        align: bool = False,
        prefix: str | None = None,
        settings: SearchSettings | None = None,
        image: Image | None = None,
    ) -> Translation | list[Translation]:
        """One text, several, or an encoded source, as translations in the same order.

        A model of several sources takes them by name, `{"en": "...", "de": "..."}`, or a text (its first) and an
        `image` (its only picture), and reads each text whole. Else a text of several sentences is translated sentence
        by sentence and keeps its white space, and what has neither letter nor digit. `prefix` is how the translation
        must begin (of one sentence). `settings` replaces the model's search defaults; `beam` and `nbest` win.
        Raises ConfigError for languages the model does not know and impossible settings.
        """
        from_, to = self.pair(to, from_)
        search = self.search_settings(beam=beam, nbest=nbest, settings=settings)
        if self._several is not None and not isinstance(text, EncodedSource):
            rows, direction = self._several.inputs(text, image), self.direction(from_, to)
            several = self._several.translate(rows, direction, search, (from_, to), align=align, prefix=prefix)
            return several if isinstance(text, list | tuple) else several[0]
        if image is not None or isinstance(text, Mapping):
            raise UnsupportedError(f"model {self.name} reads one text, got several sources; translate a text alone")
        sources = self._sources(text)
        jobs = self._jobs(sources, text, prefix)
        answers = iter(self.decoder.decode(jobs, direction=self.direction(from_, to), settings=search, align=align))
        found = [
            woven(
                source, list(islice(answers, len(source.segments))), languages=(from_, to), search=search, align=align
            )
            for source in sources
        ]
        single = isinstance(text, str) or (isinstance(text, EncodedSource) and text.single)
        return found[0] if single else found

    def translate_lines(
        self, lines: Iterable[str] | Iterable[Given], *, to: str, **options: Unpack[Options]
    ) -> Iterator[Translation]:
        """A translation for each line, in order: a few hundred at a time are translated together, as they come."""
        stream: Iterator[Any] = iter(lines)
        while window := list(islice(stream, _WINDOW)):
            yield from self.translate(window, to=to, **options)

    @overload
    def stream(
        self, text: str, *, to: str, from_: str | None = None, beam: int | None = None, align: Literal[False] = False
    ) -> Iterator[str]: ...
    @overload
    def stream(
        self, text: str, *, to: str, from_: str | None = None, beam: int | None = None, align: Literal[True]
    ) -> Iterator[Piece]: ...
    def stream(
        self, text: str, *, to: str, from_: str | None = None, beam: int | None = None, align: bool = False
    ) -> Iterator[str] | Iterator[Piece]:
        """Pieces of the translation as soon as no hypothesis can change them any more; joined they are all of it.

        With `align`, pieces with links: those of a word come when nothing can change them, one token or more after its
        text. All of them together are those of `translate`.
        """
        self._refuse_several("streams")
        direction, search = self.direction(*self.pair(to, from_)), self.search_settings(beam=beam)
        self.decoder.looking(align)  # raises before any work
        pieces = self._pieces(text, direction, search, align)
        return pieces if align else (piece.text for piece in pieces if piece.text)

    def encode(self, text: str | Texts, *, to: str | None = None, from_: str | None = None) -> EncodedSource:
        """The sources as the decoder reads them, for any beam and prefix; they can be saved.

        weft's own models read a source alike whatever it is translated to, and so from; others may want to be told.
        """
        self._refuse_several("encodes ahead")
        sources = [self._read(each) for each in texts_of(text)]
        framed = self.tokenizer.reading(from_, to)
        memories = iter(self.decoder.memories([framed.source(each.tokens.ids) for s in sources for each in s.segments]))
        return EncodedSource(
            texts=tuple(source.text for source in sources),
            segments=tuple(tuple((each.start, each.end) for each in source.segments) for source in sources),
            memories=tuple(tuple(islice(memories, len(source.segments))) for source in sources),
            fingerprint=self.stored.fingerprint,
            single=isinstance(text, str),
        )

    def score(
        self, pairs: Sequence[tuple[str, str]], *, to: str, from_: str | None = None, align: bool = False
    ) -> list[Score]:
        """How probable each target is, given its source; both are read whole, without splitting into sentences.

        With `align`, links and word confidences too: those that translating to just this target would have given.
        """
        self._refuse_several("scores")
        direction, looking = self.direction(*self.pair(to, from_)), self.decoder.looking(align)
        if looking is not None:
            found = forced_pairs(
                self.stored.model, self.tokenizer, pairs, direction=direction, settings=looking.settings
            )
            return [Score.of(pair) for pair in found]
        sources = self.tokenizer.encode_batch([source for source, _ in pairs])
        targets = self.tokenizer.target.encode_batch([target for _, target in pairs])
        totals = forced_scores(self.stored.model, sources, targets, direction=direction)
        return [Score(total, len(target) + 1) for total, target in zip(totals, targets, strict=True)]

    @overload
    def caption(self, images: Images, **options: Unpack[CaptionOptions]) -> list[Caption]: ...
    @overload
    def caption(self, images: PictureLike, **options: Unpack[CaptionOptions]) -> Caption: ...
    def caption(
        self,
        images: Images | PictureLike,
        *,
        to: str | None = None,
        beam: int | None = None,
        nbest: int = 1,
        settings: SearchSettings | None = None,
        explain: bool | AlignmentSettings = False,
    ) -> Caption | list[Caption]:
        """One picture described, or several in the same order: paths, bytes, arrays or pillow's pictures.

        `explain` keeps where the model looked for each word. Raises UnsupportedError for a model that reads none.
        """
        search = self.search_settings(beam=beam, nbest=nbest, settings=settings)
        return Captioner(self.stored).caption(images, to=to, settings=search, explain=explain)

    def search_settings(
        self, *, beam: int | None = None, nbest: int = 1, settings: SearchSettings | None = None
    ) -> SearchSettings:
        """The model's search defaults, or `settings`, with the given beam and number of hypotheses."""
        found = settings or SearchSettings(**self.config.search.model_dump())
        nbest = found.nbest if nbest == 1 else nbest
        limits = [limit for limit in (found.max_length, room_of(self.config.model)) if limit is not None]
        return replace(
            found,
            beam=max(found.beam, nbest) if beam is None else beam,
            nbest=nbest,
            max_length=min(limits, default=None),
        )

    def _refuse_text(self) -> None:
        if (reads := self.config.model.source.modality) != "text":
            raise UnsupportedError(
                f"model {self.name} reads a {reads}, not text; describe pictures with it: `weft caption IMAGE --model "
                f"{self.name}`, or caption(image)"
            )

    def _refuse_several(self, what: str) -> None:
        if sources := ", ".join(self.config.model.sources):
            raise UnsupportedError(f"nothing {what} sources {sources} of model {self.name}; use translate")

    def _read(self, text: str) -> Source:
        self._refuse_text()
        room = room_of(self.config.model)
        return read_source(text, self.tokenizer, longest=LONGEST if room is None else min(LONGEST, room * 3 // 4))

    def _sources(self, text: Text) -> list[Source]:
        if not isinstance(text, EncodedSource):
            return [self._read(each) for each in texts_of(text)]
        text.check(self.stored.fingerprint)
        return [
            Source(each, tuple(Segment.of(each, span, self.tokenizer) for span in spans))
            for each, spans in zip(text.texts, text.segments, strict=True)
        ]

    def _jobs(self, sources: Sequence[Source], text: Text, prefix: str | None) -> list[Job]:
        forced = self.tokenizer.target.encode(prefix).ids if prefix else []
        if forced and any(len(source.segments) > 1 for source in sources):
            raise ConfigError("a prefix wants texts of one sentence each, got several; translate the first one alone")
        known = chain.from_iterable(text.memories if isinstance(text, EncodedSource) else ())
        return [Job(each, tuple(forced), next(known, None)) for source in sources for each in source.segments]

    def _pieces(self, text: str, direction: Direction, search: SearchSettings, align: bool) -> Iterator[Piece]:
        source, written = self._read(text), 0
        for place, (start, end) in enumerate(source.gaps):
            gap = text[start:end]
            if gap:
                kept = stayed(gap) if align else Aligned(WordAlignment(), ())
                yield Piece(gap, kept.alignment, kept.words).moved(start, written)
                written += len(gap)
            if place < len(source.segments):
                begin = written
                for piece in stream(
                    self.decoder, source.segments[place], direction=direction, settings=search, align=align
                ):
                    yield piece.moved(end, begin)
                    written += len(piece.text)
