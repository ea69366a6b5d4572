"""Two directions joined: every form against its definition, and what all of them owe."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from tests.alignment.links import links_within

from weft.alignment.pairs import Pairs, parse_links
from weft.alignment.symmetrise import DEFAULT, SYMMETRISATIONS, check_symmetrisation, symmetrise
from weft.base.errors import ConfigError

ROWS, COLUMNS = 7, 5
PAIRS = links_within(ROWS, COLUMNS)
STRAIGHT = ((-1, 0), (0, -1), (1, 0), (0, 1))
DIAGONAL = ((-1, -1), (-1, 1), (1, -1), (1, 1))


def slow(forward: Pairs, reverse: Pairs, name: str) -> Pairs:
    """The definitions in the words of the Moses manual: a grid is walked until nothing is added any more."""
    links = set(forward & reverse)

    def is_free(row: int, column: int, both: bool) -> bool:
        free = [all(row != i for i, _ in links), all(column != j for _, j in links)]
        return all(free) if both else any(free)

    added = True
    while added:
        added = False
        for row, column in product(range(ROWS), range(COLUMNS)):
            if (row, column) not in links:
                continue
            for down, right in STRAIGHT + DIAGONAL:
                new = row + down, column + right
                if new in forward | reverse and new not in links and is_free(*new, both=name == "grow-diag"):
                    links.add(new)
                    added = True
    for direction in (forward, reverse) if "final" in name else ():
        for new in product(range(ROWS), range(COLUMNS)):
            if new in direction and is_free(*new, both=name.endswith("and")):
                links.add(new)
    return frozenset(links)


@given(forward=PAIRS, reverse=PAIRS)
def test_growing_is_what_a_walk_over_the_grid_finds(forward: Pairs, reverse: Pairs) -> None:
    for name in ("grow-diag", "grow-diag-or", "grow-diag-final", "grow-diag-final-and"):
        assert symmetrise(forward, reverse, name) == slow(forward, reverse, name)


@given(forward=PAIRS, reverse=PAIRS)
def test_every_form_lies_between_both_and_either(forward: Pairs, reverse: Pairs) -> None:
    for name in SYMMETRISATIONS:
        found = symmetrise(forward, reverse, name)
        assert forward & reverse <= found <= forward | reverse
        assert symmetrise(forward, forward, name) == forward


@given(forward=PAIRS, reverse=PAIRS)
def test_the_and_form_links_no_further_word_twice(forward: Pairs, reverse: Pairs) -> None:
    new = symmetrise(forward, reverse, "grow-diag") - (forward & reverse)
    assert len({i for i, _ in new}) == len({j for _, j in new}) == len(new)
    assert not {i for i, _ in new} & {i for i, _ in forward & reverse}


@given(forward=PAIRS, reverse=PAIRS)
def test_final_leaves_no_linked_word_without_a_link(forward: Pairs, reverse: Pairs) -> None:
    found = symmetrise(forward, reverse, "grow-diag-final")
    assert {i for i, _ in found} == {i for i, _ in forward | reverse}
    assert {j for _, j in found} == {j for _, j in forward | reverse}


FORWARD, REVERSE = "0-0 1-1 2-1 3-4 5-4", "0-0 1-2 2-3 6-2"
EXAMPLES = {
    "forward": FORWARD,
    "reverse": REVERSE,
    "intersection": "0-0",
    "union": "0-0 1-1 1-2 2-1 2-3 3-4 5-4 6-2",
    "grow-diag": "0-0 1-1",  # 1-2 and 2-1 then have one free word each
    "grow-diag-or": "0-0 1-1 1-2 2-1 2-3 3-4",  # by way of 1-2 on to 2-3 and so to 3-4
    "grow-diag-final": "0-0 1-1 1-2 2-1 2-3 3-4 5-4 6-2",
    "grow-diag-final-and": "0-0 1-1 1-2 2-1 2-3 3-4",
}


@pytest.mark.parametrize("name", SYMMETRISATIONS)
def test_an_example_of_every_form(name: str) -> None:
    forward, reverse, expected = (
        parse_links(text, num_source=7, num_target=5, where="") for text in (FORWARD, REVERSE, EXAMPLES[name])
    )
    assert symmetrise(forward, reverse, name) == expected


def test_the_final_forms_differ_by_what_must_be_free() -> None:
    forward, reverse = frozenset({(0, 0), (3, 0), (4, 4)}), frozenset({(0, 0), (4, 3)})
    assert symmetrise(forward, reverse, "grow-diag-or") == {(0, 0)}
    assert symmetrise(forward, reverse, "grow-diag-final") == {(0, 0), (3, 0), (4, 4), (4, 3)}
    assert symmetrise(forward, reverse, "grow-diag-final-and") == {(0, 0), (4, 4)}


def test_a_name_that_is_not_known_is_named_with_the_nearest() -> None:
    check_symmetrisation(DEFAULT)
    message = "wanted a symmetrisation that there is, got 'grow_diag_or'; did you mean grow-diag-or?"
    with pytest.raises(ConfigError, match=message.replace("?", r"\?")):
        symmetrise(frozenset(), frozenset(), "grow_diag_or")
