"""The life of a sentence: text -> ids -> memory -> hypotheses -> text, with the alignment read on the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Literal, Unpack, cast, overload

from weft.alignment.settings import AlignmentSettings
from weft.attention.tally import Tally
from weft.data.direction import Direction
from weft.data.open_picture import PictureLike
from weft.generation.settings import SearchSettings
from weft.store.config import ANY, LanguagePair
from weft.store.folder import StoredModel
from weft.translating.answering import Answer, written
from weft.translating.caption import Caption
from weft.translating.captioning import Captioner, Images
from weft.translating.decoding import Decoder
from weft.translating.document import Document
from weft.translating.document_translator import DocumentTranslator
from weft.translating.documents import Wanted
from weft.translating.encoded_source import EncodedSource
from weft.translating.given import Given, Read
from weft.translating.languages import chosen_pair
from weft.translating.looking import alignment_of
from weft.translating.memory_cache import MemoryCache
from weft.translating.options import Asked, CaptionOptions, Image, Inputs, Options, Text, Texts
from weft.translating.reporting import Reporter, Target
from weft.translating.requests import Request, Requests, jobs_of
from weft.translating.scoring import score_several, score_texts
from weft.translating.segments import room_of
from weft.translating.several import Several
from weft.translating.streaming import Piece, stream_all
from weft.translating.translation import Score, Translation
from weft.translating.weaving import woven

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
        several = Several(stored, MemoryCache(cache_size)) if stored.config.model.sources else None
        settings = alignment_of(stored.config)
        self._requests = Requests(stored, several)
        self._reporter = None if several is None or settings is None else Reporter(several, settings)
        self.decoder = Decoder(
            stored.model,
            stored.tokenizer,
            alignment=settings,
            cache_size=cache_size,
            batch_tokens=batch_tokens,
            encoding=several,
        )
        self._documents = DocumentTranslator(stored, self.decoder, self._requests)

    def __repr__(self) -> str:
        pairs = ", ".join(f"{pair.from_}-{pair.to}" for pair in self.languages)
        return f"<weft translator {self.name}: {pairs}>"

    @property
    def languages(self) -> tuple[LanguagePair, ...]:
        """The directions it translates in."""
        return self.config.languages

    def pair(self, to: str, from_: str | None = None) -> tuple[str, str]:
        """Source and target language of a request; ConfigError names the choices if it is unknown or not clear."""
        self._requests.refuse_text()
        to, from_ = self.tokenizer.plain(to), from_ and self.tokenizer.plain(from_)
        return chosen_pair(self.languages, to=to, from_=from_, name=self.name)

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
        document: bool | Document = False,
    ) -> Translation | list[Translation]:
        """One text, several, or an encoded source, as translations in the same order.

        A model of several sources takes them by name, `{"en": "...", "de": "..."}`, or a text (its first) and an
        `image` (its only picture), and reads each text whole. Else a text of several sentences is translated sentence
        by sentence and keeps its white space, and what has neither letter nor digit. `prefix` is how the translation
        must begin (of one sentence). `settings` replaces the model's search defaults; `beam` and `nbest` win.
        `document` is how texts are translated as documents; True: as models of sentences do best.
        Raises ConfigError for languages the model does not know and impossible settings.
        """
        from_, to = self.pair(to, from_)
        search = self.search_settings(beam=beam, nbest=nbest, settings=settings)
        several = isinstance(text, list | tuple) or (isinstance(text, EncodedSource) and not text.single)
        direction, told = self.direction(from_, to), Document.of(document)
        if told is not None:
            wanted = Wanted((from_, to), direction, search, align, told)
            documents = self._documents.translate(text, wanted, prefix=prefix)
            return documents if several else documents[0]
        requests = self._requests.of(text, image)
        jobs = jobs_of(requests, self.tokenizer.target.encode(prefix).ids if prefix else ())
        answers = iter(self.decoder.decode(jobs, direction=direction, settings=search, align=align))
        ranked = [list(islice(answers, len(request.inputs))) for request in requests]
        found = [
            woven(request.source, of_inputs, languages=(from_, to), search=search, align=align)
            for request, of_inputs in zip(requests, ranked, strict=True)
        ]
        if align and self._reporter is not None:
            found = self._reported(found, requests, ranked, direction)
        return found if several else found[0]

    def translate_lines(
        self, lines: Iterable[str] | Iterable[Given], *, to: str, **options: Unpack[Options]
    ) -> Iterator[Translation]:
        """A translation for each line, in order: a few hundred at a time are translated together, as they come."""
        stream: Iterator[Any] = iter(lines)
        while window := list(islice(stream, _WINDOW)):
            yield from self.translate(window, to=to, **options)

    def translate_document(
        self, text: str, *, to: str, document: bool | Document = True, first_line: int = 0, **options: Unpack[Asked]
    ) -> Iterator[Translation]:
        """A translation for each line of a document from `first_line` on, as soon as it is there, with spans of it.

        One for all of it where it is written at once. What earlier lines became does not matter to later ones, so that
        a document may be left off and taken up again. Raises what `translate` does.
        """
        languages = self.pair(to, options.get("from_"))
        search = self.search_settings(beam=options.get("beam"), nbest=options.get("nbest", 1))
        align, told = options.get("align", False), Document.of(document) or Document()
        wanted = Wanted(languages, self.direction(*languages), search, align, told)
        return self._documents.lines(text, wanted, first=first_line)

    @overload
    def stream(
        self,
        text: str | Given,
        *,
        to: str,
        from_: str | None = None,
        beam: int | None = None,
        align: Literal[False] = False,
        image: PictureLike | None = None,
    ) -> Iterator[str]: ...
    @overload
    def stream(
        self,
        text: str | Given,
        *,
        to: str,
        from_: str | None = None,
        beam: int | None = None,
        align: Literal[True],
        image: PictureLike | None = None,
    ) -> Iterator[Piece]: ...
    def stream(
        self,
        text: str | Given,
        *,
        to: str,
        from_: str | None = None,
        beam: int | None = None,
        align: bool = False,
        image: PictureLike | None = None,
    ) -> Iterator[str] | Iterator[Piece]:
        """Pieces of the translation as soon as no hypothesis can change them any more; joined they are all of it.

        With `align`, pieces with links: those of a word come when nothing can change them, one token or more after its
        text. All of them together are those of `translate`; of several sources they lead to the first text, and what
        was read of each source is not among them.
        """
        direction, search = self.direction(*self.pair(to, from_)), self.search_settings(beam=beam)
        self.decoder.looking(align)  # raises before any work
        [request] = self._requests.of(text, image)
        pieces = stream_all(self.decoder, request, direction=direction, settings=search, align=align)
        return pieces if align else (piece.text for piece in pieces if piece.text)

    def encode(
        self,
        text: str | Texts | Given | Inputs,
        *,
        to: str | None = None,
        from_: str | None = None,
        image: Image | None = None,
        document: bool | Document = False,
    ) -> EncodedSource:
        """The sources as the decoder reads them, for any beam and prefix; they can be saved.

        weft's own models read a source alike whatever it is translated to, and so from; others may want to be told. Of
        several sources any may be missing: what was encoded can stand for one source of an input,
        `{"en": "...", "picture": encoded}`. `document` is how texts will be translated as documents.
        """
        framed, told = self.tokenizer.reading(from_, to), Document.of(document)
        requests = (
            self._requests.of(text, image, partial=True) if told is None else self._documents.read(text, told, framed)
        )
        memories = iter(self.decoder.memories([one for request in requests for one in request.inputs], framed))
        return EncodedSource(
            texts=tuple(request.source.text for request in requests),
            segments=tuple(tuple((each.start, each.end) for each in request.source.segments) for request in requests),
            memories=tuple(tuple(islice(memories, len(request.inputs))) for request in requests),
            fingerprint=self.stored.fingerprint,
            single=not isinstance(text, list | tuple),
            said=() if self._reporter is None else tuple(request.said for request in requests),
        )

    def score(
        self,
        pairs: Sequence[tuple[str | Given, str]],
        *,
        to: str,
        from_: str | None = None,
        align: bool = False,
    ) -> list[Score]:
        """How probable each target is, given its source; both are read whole, without splitting into sentences.

        Several sources are given by name, `({"en": "...", "de": "..."}, "...")`. With `align`, links and word
        confidences too: those that translating to just this target would have given.
        """
        direction, looking = self.direction(*self.pair(to, from_)), self.decoder.looking(align)
        if self._reporter is not None:
            return score_several(self._reporter, self.stored, pairs, direction, align)
        texts = [(self._requests.one_text(source), target) for source, target in pairs]
        return score_texts(self.stored, texts, direction, None if looking is None else looking.settings)

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

    def _reported(
        self,
        translations: Sequence[Translation],
        requests: Sequence[Request],
        ranked: Sequence[Sequence[tuple[Answer, ...]]],
        direction: Direction,
    ) -> list[Translation]:
        """The translations of several sources with what was read of each, where there was something to translate."""
        assert self._reporter is not None
        places = [place for place, request in enumerate(requests) if request.inputs]
        inputs = [cast(Read, requests[place].inputs[0]) for place in places]
        tokens = [ranked[place][0][0].tokens for place in places]
        targets = [Target(ids, written(ids, self.tokenizer)) for ids in tokens]
        found = zip(places, self._reporter.reports(inputs, targets, direction), strict=True)
        sources = {place: report.sources for place, report in found}
        return [replace(one, sources=sources.get(place)) for place, one in enumerate(translations)]
