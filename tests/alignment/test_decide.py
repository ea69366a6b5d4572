"""Each decision by its definition."""

from __future__ import annotations

import numpy as np
import pytest

from weft.alignment.decide import DECISIONS, LOCAL, decide
from weft.alignment.settings import AlignmentSettings, Decision

MASS = np.array([[0.2, 0.5, 0.1], [0.0, 0.35, 0.25], [0.3, 0.3, 0.1], [0.0, 0.0, 0.0]])
UNALIGNED = 1 - MASS.sum(1)


def linked(decision: Decision, **changed: object) -> list[list[int]]:
    settings = AlignmentSettings(layer=0, heads=(0,), threshold=0.25, decision=decision)
    return np.argwhere(decide(MASS, UNALIGNED, settings.model_copy(update=changed))).tolist()


@pytest.mark.parametrize(
    ("decision", "expected"),
    [
        ("argmax", [[0, 1], [1, 1], [2, 0]]),
        ("threshold", [[0, 1], [1, 1], [1, 2], [2, 0], [2, 1]]),
        ("best_and_threshold", [[0, 1], [1, 1], [1, 2], [2, 0], [2, 1]]),
        ("mutual", [[0, 1], [2, 0]]),
        ("monotone", [[0, 1], [1, 1], [2, 1]]),
    ],
)
def test_which_shares_are_links(decision: Decision, expected: list[list[int]]) -> None:
    assert linked(decision) == expected
    assert linked(decision, threshold=0.0) == (
        expected if decision in ("argmax", "mutual") else linked(decision, threshold=1e-9)
    )


def test_a_threshold_of_more_than_any_share_leaves_the_best() -> None:
    assert linked("threshold", threshold=0.9) == []
    assert linked("best_and_threshold", threshold=0.9) == linked("argmax")


@pytest.mark.parametrize("decision", DECISIONS)
def test_where_no_word_has_more_than_the_best_there_is_no_link(decision: Decision) -> None:
    expected = [[target, source] for target, source in linked(decision) if UNALIGNED[target] <= MASS[target].max()]
    assert linked(decision, null_competes=True) == expected
    assert [1, 1] not in expected


@pytest.mark.parametrize("decision", DECISIONS)
@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0)])
def test_of_nothing_nothing_is_linked(decision: Decision, shape: tuple[int, int]) -> None:
    settings = AlignmentSettings(layer=0, heads=(0,), decision=decision, null_competes=True)
    assert decide(np.zeros(shape), np.ones(shape[0]), settings).shape == shape


@pytest.mark.parametrize("decision", LOCAL)
def test_local_decisions_need_no_other_row(decision: Decision) -> None:
    settings = AlignmentSettings(layer=0, heads=(0,), decision=decision)
    together = decide(MASS, UNALIGNED, settings)
    alone = [decide(MASS[[row]], UNALIGNED[[row]], settings)[0] for row in range(len(MASS))]
    np.testing.assert_array_equal(together, np.stack(alone))
