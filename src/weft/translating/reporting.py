"""Targets forced on inputs of several sources, and what of each source was read for each of their words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from weft.alignment.confidence import confidences
from weft.alignment.extract import WordWeights, word_weights
from weft.alignment.read import read
from weft.alignment.settings import AlignmentSettings
from weft.alignment.side import Array, Side
from weft.attention.record import Record
from weft.base.shapes import Float, Tensor
from weft.data.direction import Direction
from weft.models.crossing import cross_site
from weft.translating.forcing import ForcedPair, batched, log_probabilities_of
from weft.translating.given import Read
from weft.translating.several import Several
from weft.translating.source_report import HeatMap, SourceReport, gates_of, measure_of, shares


@dataclass(frozen=True)
class Target:
    """What an input was, or might have been, translated to: its ids, without `</s>`, and what they say."""

    ids: Sequence[int]
    side: Side


@dataclass(frozen=True)
class Reported:
    """A target with its links to the input's first text, and what was read of each source."""

    pair: ForcedPair
    sources: dict[str, SourceReport]


class Reporter:
    """Reports on what a model of several sources reads."""

    def __init__(self, several: Several, settings: AlignmentSettings) -> None:
        """`settings` say where and how links are read."""
        self.several, self.config, self.settings = several, several.config, settings

    def reports(
        self, inputs: Sequence[Read], targets: Sequence[Target], direction: Direction, *, scored: bool = False
    ) -> list[Reported]:
        """A report for each input and its target; with `scored`, how probable its tokens and words are."""
        lengths = [row.length(direction) for row in inputs]

        def of_batch(places: Sequence[int]) -> list[Reported]:
            own = [inputs[place] for place in places], [targets[place] for place in places]
            return list(self._of_batch(*own, direction, scored=scored))

        return batched(lengths, [target.ids for target in targets], of_batch)

    @torch.inference_mode()
    def _of_batch(
        self, inputs: Sequence[Read], targets: Sequence[Target], direction: Direction, *, scored: bool
    ) -> Iterator[Reported]:
        """What is reported of each, read as a whole with what it looked at recorded."""
        record = Record(list(self._sites()))
        log_probs = log_probabilities_of(
            self.several.writer(inputs, direction),
            range(len(inputs)),
            [target.ids for target in targets],
            direction,
            record=record,
            scored=scored,
        )
        names = [name for name in self.config.sources if any(row.has(name) for row in inputs)]
        gates = gates_of(self.several.model, self.config)
        share_btn = shares(record, self.config, names, gates).cpu()
        weights = {name: read(record.at(self.settings.site_of(name))[0], self.settings) for name in names}
        for number, (row, target) in enumerate(zip(inputs, targets, strict=True)):
            own = {name: weights[name][number] for name in names}
            share = {name: share_btn[number, :, place] for place, name in enumerate(names)}
            scores = log_probs[number]
            words = self._words(own[row.reads], row.side, target.side)
            pair = ForcedPair(words, tuple(scores), confidences(target.side, scores[:-1]) if scored else ())
            found = {name: self._of_source(name, row, target.side, own, share, gates) for name in self.config.sources}
            yield Reported(pair, found)

    def _sites(self) -> Iterator[str]:
        for number in range(self.config.decoder_layers):
            yield cross_site(number, "sources")
            yield from (cross_site(number, name) for name in self.config.sources)

    def _of_source(
        self,
        name: str,
        row: Read,
        target: Side,
        weights: Mapping[str, Array],
        share: Mapping[str, Float[Tensor, " t"]],
        gates: Mapping[str, Sequence[float]],
    ) -> SourceReport:
        of_tokens = share[name] if name in share else torch.zeros(len(target.tokens) + 1)
        report = SourceReport(
            row.texts[name].text if name in row.texts else row.names.get(name),
            row.has(name),
            tuple(_of_words(of_tokens[:, None], target)[:, 0].tolist()),
            measure_of(self.config),
            gates=tuple(gates[name]) if name in gates else None,
        )
        if name in row.texts:
            found = self._words(weights[name], row.texts[name].side, target)
            return replace(report, alignment=found.alignment.links)
        if row.has(name):
            picture = self.several.reader.pictures[name]
            own = torch.from_numpy(np.ascontiguousarray(weights[name]))[:, picture.class_tokens :]
            if own.shape[1] == picture.num_patches:  # a resampler's positions are no places
                return replace(report, heat=HeatMap(torch.unflatten(_of_words(own, target), 1, picture.grid).float()))
        return report

    def _words(self, weights: Array, source: Side, target: Side) -> WordWeights:
        return word_weights(weights, source=source, target=target, settings=self.settings)


def _of_words(of_tokens: Float[Tensor, "t n"], target: Side) -> Float[Tensor, "j n"]:
    """Means over the tokens of each target word; row t is what was read to write token t."""
    overlaps = torch.from_numpy(target.overlaps() > 0)[: len(of_tokens)].double()  # t j
    rows = of_tokens[: len(overlaps)].double()
    return overlaps.T @ rows / overlaps.sum(0).clamp_min(1)[:, None]
