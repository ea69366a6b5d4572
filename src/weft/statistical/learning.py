"""Expectation and maximisation over a whole text, both directions together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weft.statistical import hmm, ibm1
from weft.statistical.blocks import Block, Ids
from weft.statistical.jumps import Jumps
from weft.statistical.lexicon import Counts, Lexicon
from weft.statistical.posterior import Posterior
from weft.statistical.prior import Prior
from weft.statistical.settings import StatisticalSettings

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Progress:
    """How far learning has come."""

    stage: str
    """"lexicon" (the first model) or "jumps" (the second)."""
    iteration: int
    """From 1 to `iterations`."""
    iterations: int
    done: float
    """Share of the text read in this iteration."""
    log_likelihood: float | None = None
    """Of all words of both sides, in nats; known once an iteration is done. With a prior or agreement it may fall."""


@dataclass(frozen=True)
class Model:
    """All that is learned."""

    lexicon: Lexicon
    forward: Jumps
    """In source texts, where target words come from."""
    reverse: Jumps
    """In target texts, where source words come from."""


@dataclass(frozen=True)
class Placed:
    """A block of the text and the places of its word pairs in the lexicon, `[b t s]`."""

    block: Block
    places: Ids


@dataclass(frozen=True)
class Both:
    """Posteriors of a block: forward `[b t s]`, and reverse, where source words are generated, `[b s t]`."""

    forward: Posterior
    reverse: Posterior


Belief = Callable[[Model, Placed, StatisticalSettings], Both]


def by_words(model: Model, placed: Placed, settings: StatisticalSettings) -> Both:
    """What the first model believes of a block."""
    forward, reverse = model.lexicon.emissions(placed.block, placed.places)
    how = {"tension": settings.tension, "unaligned": settings.unaligned}
    return Both(ibm1.posterior(forward.words, forward.null, **how), ibm1.posterior(reverse.words, reverse.null, **how))


def by_places(model: Model, placed: Placed, settings: StatisticalSettings) -> Both:
    """What the second model believes of a block."""
    forward, reverse = model.lexicon.emissions(placed.block, placed.places)
    return Both(
        hmm.posterior(forward.words, forward.null, model.forward, unaligned=settings.unaligned),
        hmm.posterior(reverse.words, reverse.null, model.reverse, unaligned=settings.unaligned),
    )


def learn(
    text: Sequence[Placed],
    model: Model,
    *,
    settings: StatisticalSettings,
    prior: Prior,
    report: Callable[[Progress], None],
) -> Model:
    """The model after all iterations that the settings ask for."""
    stages: tuple[tuple[str, Belief, int], ...] = (
        ("lexicon", by_words, settings.lexicon_iterations),
        ("jumps", by_places, settings.jump_iterations),
    )
    for stage, belief, iterations in stages:
        for iteration in range(1, iterations + 1):
            sums = Sums.zero(model.lexicon, agreement=settings.agreement)
            for number, placed in enumerate(text):
                sums.add(placed, belief(model, placed, settings))
                report(Progress(stage, iteration, iterations, (number + 1) / (len(text) + 1)))
            model = sums.learned(model, prior)
            report(Progress(stage, iteration, iterations, 1.0, sums.log_likelihood))
    return model


@dataclass
class Sums:
    """What one pass over the text adds up; in float64, for a frequent pair gets millions of small shares."""

    counts: Counts
    agreement: bool
    forward_jumps: Numbers
    reverse_jumps: Numbers
    log_likelihood: float = 0.0

    @classmethod
    def zero(cls, lexicon: Lexicon, *, agreement: bool) -> Sums:
        """Nothing yet."""
        forward = np.zeros(len(lexicon.table))
        reverse = forward if agreement else np.zeros(len(lexicon.table))
        null = np.zeros(len(lexicon.target_null)), np.zeros(len(lexicon.source_null))
        return cls(Counts(forward, reverse, *null), agreement, np.zeros(1), np.zeros(1))

    def add(self, placed: Placed, both: Both) -> None:
        """Counts a block."""
        forward_bts, reverse_bts = both.forward.words, both.reverse.words.transpose(0, 2, 1)
        if self.agreement:
            _count(self.counts.forward, placed.places, forward_bts * reverse_bts)
        else:
            _count(self.counts.forward, placed.places, forward_bts)
            _count(self.counts.reverse, placed.places, reverse_bts)
        _count(self.counts.target_null, placed.block.targets, both.forward.null)
        _count(self.counts.source_null, placed.block.sources, both.reverse.null)
        self.forward_jumps = self.forward_jumps + both.forward.jumps
        self.reverse_jumps = self.reverse_jumps + both.reverse.jumps
        self.log_likelihood += both.forward.log_likelihood + both.reverse.log_likelihood

    def learned(self, model: Model, prior: Prior) -> Model:
        """The model that explains the counts best."""
        return Model(
            model.lexicon.learned(self.counts, prior=prior),
            model.forward.learned(self.forward_jumps),
            model.reverse.learned(self.reverse_jumps),
        )


def _count(into: Numbers, places: Ids, shares: NDArray[np.float32]) -> None:
    np.add.at(into, places.ravel(), shares.astype(np.float64, order="C").ravel())
