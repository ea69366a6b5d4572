from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from weft.statistical.blocks import blocks
from weft.statistical.cooccurrence import Cooccurrence
from weft.statistical.prior import Prior
from weft.statistical.settings import StatisticalSettings
from weft.statistical.vocabulary import Vocabulary

SOURCES = ["parliament met", "parliaments meet", "parliament"]
TARGETS = ["parlement siège", "parlements siègent", "parlement"]


@pytest.fixture
def prior() -> Prior:
    sources, targets = [s.split() for s in SOURCES], [t.split() for t in TARGETS]
    source, target = Vocabulary.of(sources), Vocabulary.of(targets)
    text = list(blocks([source.ids(s) for s in sources], [target.ids(t) for t in targets]))
    table = Cooccurrence.of(text, num_target=len(target))
    settings = StatisticalSettings(family_count=7.0, alike_count=0.0)
    return Prior.of(table, text, source=source, target=target, settings=settings)


def named(prior: Prior, values: np.ndarray) -> dict[tuple[int, int], float]:
    places = zip(prior.table.sources.tolist(), prior.table.targets.tolist(), strict=True)
    return dict(zip(places, values.tolist(), strict=True))


# by frequency: parliament met parliaments meet / parlement siège parlements siègent
def test_a_word_is_translated_as_its_stem_is(prior: Prior) -> None:
    counts = np.where((prior.table.sources == 0) & (prior.table.targets == 0), 2.0, 0.0)
    added = named(prior, prior.forward(counts))
    assert added[2, 2] == pytest.approx(7 / 3)  # parliaments, as parliament: all parl-; a third of those is parlements
    assert added[0, 0] == pytest.approx(7 * 2 / 3)
    assert added[2, 3] == added[1, 1] == 0
    assert named(prior, prior.reverse(counts))[2, 2] == pytest.approx(7 / 3)


def test_words_of_one_stem_count_as_seen_together(prior: Prior) -> None:
    found = replace(prior, alike_count=3.0).forward(np.zeros(len(prior.table)))
    assert {place: value for place, value in named(prior, found).items() if value} == {(0, 0): 3.0, (2, 2): 3.0}


def test_without_either_nothing_is_added(prior: Prior) -> None:
    assert not replace(prior, family_count=0.0).forward(np.ones(len(prior.table))).any()
