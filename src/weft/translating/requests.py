"""What a translator is asked for, opened: texts as segments, inputs of several sources as they are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from weft.base.errors import ConfigError, UnsupportedError
from weft.store.folder import StoredModel
from weft.translating.decoding import Input, Job
from weft.translating.encoded_source import EncodedSource, Said
from weft.translating.given import Read
from weft.translating.options import Image, Text, texts_of
from weft.translating.segments import LONGEST, Source, read_source, room_of
from weft.translating.several import Several


@dataclass(frozen=True)
class Request:
    """A text and what of it is translated, one by one: its segments, or all the sources that it stands for."""

    source: Source
    inputs: Sequence[Input]

    @property
    def said(self) -> Said:
        """What an input of several sources has."""
        return {name: said for one in self.inputs for name, said in cast(Read, one).said.items()}


class Requests:
    """Opens requests to one model."""

    def __init__(self, stored: StoredModel, several: Several | None) -> None:
        """`several` opens inputs of several sources, where the model has them."""
        self._stored, self._several = stored, several

    def of(self, text: Text, image: Image | None = None, *, partial: bool = False) -> list[Request]:
        """Each text or input; with `partial` a required source may be missing.

        Raises UnsupportedError for what such a model does not read, ConfigError for what another model encoded, and
        what `Several.inputs` does.
        """
        if self._several is not None:
            rows = self._several.inputs(cast(Any, text), image, partial=partial)
            return [Request(row.source, () if row.empty else (row,)) for row in rows]
        return [Request(source, source.segments) for source in self._sources(text, image)]

    def one_text(self, text: object) -> str:
        """What a model of one source reads; UnsupportedError for sources by name."""
        if isinstance(text, Mapping):
            raise UnsupportedError(
                f"model {self._stored.folder.name} reads one text, got several sources; translate a text alone"
            )
        return str(text)

    def refuse_text(self) -> None:
        """Raises UnsupportedError for a model that reads none."""
        if (reads := self._stored.config.model.source.modality) != "text":
            name = self._stored.folder.name
            raise UnsupportedError(
                f"model {name} reads a {reads}, not text; describe pictures with it: `weft caption IMAGE --model "
                f"{name}`, or caption(image)"
            )

    def _sources(self, text: Text, image: Image | None) -> list[Source]:
        if image is not None:
            self.one_text({"image": image})
        if isinstance(text, EncodedSource):
            text.check(self._stored.fingerprint)
            return text.sources(self._stored.tokenizer)
        self.refuse_text()
        room = room_of(self._stored.config.model)
        longest = LONGEST if room is None else min(LONGEST, room * 3 // 4)
        return [read_source(self.one_text(each), self._stored.tokenizer, longest=longest) for each in texts_of(text)]


def jobs_of(requests: Sequence[Request], forced: Sequence[int]) -> list[Job]:
    """Everything that is to be translated, each beginning with the `forced` tokens.

    Raises ConfigError where there are several segments to begin with these.
    """
    if forced and any(len(request.inputs) > 1 for request in requests):
        raise ConfigError("a prefix wants texts of one sentence each, got several; translate the first one alone")
    return [Job(each, tuple(forced)) for request in requests for each in request.inputs]
