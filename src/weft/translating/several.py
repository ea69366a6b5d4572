"""Inputs of several sources, texts and pictures, through one model: read once, searched, and reported on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
import torch

from weft.alignment.confidence import confidences
from weft.alignment.extract import WordWeights, word_weights
from weft.alignment.link import WordAlignment
from weft.alignment.read import read
from weft.alignment.settings import AlignmentSettings
from weft.alignment.side import Side
from weft.attention.record import Record
from weft.base.errors import ConfigError
from weft.base.padded import pad
from weft.base.shapes import Float, Tensor
from weft.data.direction import Direction
from weft.data.open_picture import PictureLike
from weft.generation.batching import batches_by_length, in_given_order
from weft.generation.hypothesis import Hypothesis as Found
from weft.generation.search import search
from weft.generation.settings import SearchSettings
from weft.models.crossing import cross_site
from weft.models.several import EncodedSources, SeveralSources
from weft.store.folder import StoredModel
from weft.translating.answering import one_line, written
from weft.translating.given import Given, Read, Reader
from weft.translating.looking import alignment_of
from weft.translating.memory_cache import MemoryCache
from weft.translating.source_report import HeatMap, SourceReport, gates_of, measure_of, shares
from weft.translating.translation import Hypothesis, Translation

MOST_ROWS = 256


class SeveralTranslator:
    """Translates inputs of several sources, each read whole; what was read lately is kept."""

    def __init__(self, stored: StoredModel, cache_size: int = 256, *, batch_tokens: int = 4096) -> None:
        self.model, self.config = cast(SeveralSources, stored.model), stored.config.model
        self.tokenizer, self.alignment = stored.tokenizer, cast(AlignmentSettings, alignment_of(stored.config))
        self.reader = Reader(self.config, stored.tokenizer, stored.config.pixels)
        self.cache, self.batch_tokens = MemoryCache(cache_size), batch_tokens
        self.device = next(stored.model.parameters()).device

    def inputs(
        self, text: str | Given | Sequence[str | Given], image: PictureLike | Sequence[PictureLike | None] | None
    ) -> list[Read]:
        """Inputs as the model reads them; one image for one input, or an image or None for each.

        Raises ConfigError if there are as many images as there should not be, and what `Reader.read` does.
        """
        texts = list(text) if isinstance(text, list | tuple) else [cast("str | Given", text)]
        alone = not isinstance(image, list | tuple)
        images = [cast("PictureLike | None", image)] * len(texts) if alone else list(cast("list[Any]", image))
        if len(images) != len(texts):
            raise ConfigError(f"wanted an image (or None) for each of {len(texts)} inputs, got {len(images)}")
        return [self.reader.read(self.reader.named(one, own)) for one, own in zip(texts, images, strict=True)]

    def translate(
        self,
        rows: Sequence[Read],
        direction: Direction,
        search: SearchSettings,
        languages: tuple[str, str],
        *,
        align: bool = False,
        prefix: str | None = None,
    ) -> list[Translation]:
        """A translation for each input, in their order; with `align`, a report on every source."""
        forced = tuple(self.tokenizer.target.encode(prefix).ids) if prefix else ()
        places = [place for place, row in enumerate(rows) if not row.empty]
        full = [rows[place] for place in places]
        batches = batches_by_length([row.longest for row in full], max_tokens=self.batch_tokens, max_rows=MOST_ROWS)
        found = []
        for numbers in batches:
            part = [full[number] for number in numbers]
            memory = self.memory(part, direction)
            ranked = self._searched(part, memory, direction, search, forced)
            hypotheses = self._hypotheses(part, memory, ranked, direction, align)
            found.append(
                [
                    _translation(row, own, reports, languages=languages, search=search)
                    for row, (own, reports) in zip(part, hypotheses, strict=True)
                ]
            )
        said = dict(zip(places, in_given_order(batches, found), strict=True))
        nothing = Translation("", 0.0, 0.0, from_=languages[0], to=languages[1], nbest=search.nbest)
        return [said.get(place, nothing) for place in range(len(rows))]

    @torch.inference_mode()
    def memory(self, rows: Sequence[Read], direction: Direction) -> EncodedSources:
        """One memory of all inputs; encoders read only those that are not in the cache."""
        held = [self.cache.get(row.key) for row in rows]
        missing = [place for place, memory in enumerate(held) if memory is None]
        if missing:
            batch = self.reader.batch([rows[place] for place in missing], direction)
            fresh = self.model.encode(batch.to(self.device))
            if not self.cache.capacity and len(missing) == len(rows):
                return fresh
            for place, memory in zip(missing, fresh.parts(), strict=True):
                held[place] = memory
                self.cache.put(rows[place].key, memory)
        return EncodedSources.joined([cast(EncodedSources, memory) for memory in held])

    def _searched(
        self,
        rows: Sequence[Read],
        memory: EncodedSources,
        direction: Direction,
        settings: SearchSettings,
        forced: tuple[int, ...],
    ) -> Sequence[Sequence[Found]]:
        with torch.inference_mode():
            return search(
                self.model,
                memory,
                start=torch.full((len(rows),), direction.start, device=self.device),
                source_lengths=torch.tensor([row.longest for row in rows], device=self.device),
                eos=direction.eos,
                settings=settings,
                prefix=[forced] * len(rows) if forced else None,
            ).hypotheses

    def _hypotheses(
        self,
        rows: Sequence[Read],
        memory: EncodedSources,
        ranked: Sequence[Sequence[Found]],
        direction: Direction,
        align: bool,
    ) -> Iterator[tuple[list[Hypothesis], dict[str, SourceReport] | None]]:
        """The hypotheses of each input, and the reports on the sources of its best one."""
        if not align:
            for of_row in ranked:
                yield [_plain(one, one_line(self.tokenizer.decode(one.tokens))) for one in of_row], None
            return
        flat = [(place, one) for place, of_row in enumerate(ranked) for one in of_row]
        looks = iter(self._looks(rows, memory, flat, direction))
        for of_row in ranked:
            found = [next(looks) for _ in of_row]
            yield [hypothesis for hypothesis, _ in found], found[0][1]

    @torch.inference_mode()
    def _looks(
        self,
        rows: Sequence[Read],
        memory: EncodedSources,
        flat: Sequence[tuple[int, Found]],
        direction: Direction,
    ) -> Iterator[tuple[Hypothesis, dict[str, SourceReport]]]:
        """Every hypothesis, read once more as a whole with what it looked at recorded."""
        places = torch.tensor([place for place, _ in flat], device=self.device)
        heard = pad([direction.heard(_without_end(one)) for _, one in flat], device=self.device)
        record = Record(list(self._sites()))
        self.model.read(memory.select(places), heard.values, record)
        names = [name for name in self.config.sources if name in memory.sources]
        gates = gates_of(self.model, self.config)
        share_btn = shares(record, self.config, names, gates).cpu()
        weights = {name: self._weights(record, name) for name in names}
        for number, (place, one) in enumerate(flat):
            target = written(_without_end(one), self.tokenizer)
            reports = {}
            for name in self.config.sources:
                own = share_btn[number, :, names.index(name)] if name in names else torch.zeros(share_btn.shape[1])
                report = SourceReport(
                    self._said(rows[place], name),
                    name in rows[place].texts or name in rows[place].patches,
                    tuple(_of_words(own[:, None], target)[:, 0].tolist()),
                    measure_of(self.config),
                    gates=tuple(gates[name]) if name in gates else None,
                )
                reports[name] = self._located(report, rows[place], name, weights, number, target)
            yield (
                _aligned(one, target, rows[place], reports, self._words(rows[place], weights, number, target)),
                reports,
            )

    def _sites(self) -> Iterator[str]:
        for number in range(self.config.decoder_layers):
            yield cross_site(number, "sources")
            yield from (cross_site(number, name) for name in self.config.sources)

    def _weights(self, record: Record, name: str) -> np.ndarray:
        settings = self.alignment
        return read(record.at(cross_site(settings.layer, name))[0], settings)

    def _said(self, row: Read, name: str) -> str | None:
        return row.texts[name].text if name in row.texts else row.names.get(name)

    def _located(
        self,
        report: SourceReport,
        row: Read,
        name: str,
        weights: dict[str, np.ndarray],
        number: int,
        target: Side,
    ) -> SourceReport:
        """The report with links to a text, or the heat map of a picture."""
        if name in row.texts:
            found = self._word_weights(row, name, weights, number, target)
            return replace(report, alignment=found.alignment.links)
        if name in row.patches:
            picture = self.reader.pictures[name]
            own = torch.from_numpy(weights[name][number])[:, picture.class_tokens :]
            if own.shape[1] == picture.num_patches:  # a resampler's positions are no places
                return replace(report, heat=HeatMap(torch.unflatten(_of_words(own, target), 1, picture.grid).float()))
        return report

    def _word_weights(
        self, row: Read, name: str, weights: dict[str, np.ndarray], number: int, target: Side
    ) -> WordWeights:
        return word_weights(weights[name][number], source=row.texts[name].side, target=target, settings=self.alignment)

    def _words(self, row: Read, weights: dict[str, np.ndarray], number: int, target: Side) -> WordAlignment:
        """The links to the first text that the input has; none if it has no text."""
        first = next(iter(row.texts), None)
        return WordAlignment() if first is None else self._word_weights(row, first, weights, number, target).alignment


def _of_words(of_tokens: Float[Tensor, "t n"], target: Side) -> Float[Tensor, "j n"]:
    """Means over the tokens of each target word; row t is what was read to write token t."""
    overlaps = torch.from_numpy(target.overlaps() > 0)[: len(of_tokens)].double()  # t j
    rows = of_tokens[: len(overlaps)].double()
    return overlaps.T @ rows / overlaps.sum(0).clamp_min(1)[:, None]


def _without_end(one: Found) -> tuple[int, ...]:
    return one.tokens[:-1] if one.finished else one.tokens


def _plain(one: Found, text: str) -> Hypothesis:
    return Hypothesis(text=text, score=one.score, log_probability=one.log_probability)


def _aligned(one: Found, target: Side, row: Read, reports: dict[str, SourceReport], words: WordAlignment) -> Hypothesis:
    return replace(
        _plain(one, target.text),
        alignment=words.links,
        unaligned=words.unaligned,
        words=tuple(confidences(target, one.token_log_probabilities)),
    )


def _translation(
    row: Read,
    ranked: Sequence[Hypothesis],
    reports: dict[str, SourceReport] | None,
    *,
    languages: tuple[str, str],
    search: SearchSettings,
) -> Translation:
    best: Any = vars(ranked[0])
    first = next(iter(row.texts.values()), None)
    return Translation(
        **best,
        source="" if first is None else first.text,
        from_=languages[0],
        to=languages[1],
        hypotheses=tuple(ranked),
        nbest=search.nbest,
        source_words=tuple(first.side.words) if first is not None and reports is not None else (),
        sources=reports,
    )
