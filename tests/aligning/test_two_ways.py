"""Shares and links of two directions: a target word is shared out whole, whichever direction says so."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.aligning.two_ways import BOTH, OneWay, TwoWays, directions_of

sizes = st.integers(0, 7)


def one_way(num_target: int, num_source: int, seed: int, *, reverse: bool = False) -> OneWay:
    """Random shares: rows of the side that chooses sum to 1 with the last column, which is that of no word."""
    choosing, chosen = (num_source, num_target) if reverse else (num_target, num_source)
    shares = np.random.default_rng(seed).dirichlet(np.full(chosen + 1, 0.3), choosing)
    mass = shares[:, :-1].T if reverse else shares[:, :-1]
    best = mass.argmax(0 if reverse else 1) if mass.size else []
    links = {(i, int(j)) for i, j in enumerate(best)} if reverse else {(int(i), j) for j, i in enumerate(best)}
    return OneWay(frozenset(links), mass, shares[:, -1])


@given(sizes, sizes, st.integers(0, 99))
def test_shares_of_a_target_word_and_none_sum_to_1(num_target: int, num_source: int, seed: int) -> None:
    forward = one_way(num_target, num_source, seed)
    reverse = one_way(num_target, num_source, seed + 1, reverse=True)
    for ways in (TwoWays(forward, None), TwoWays(None, reverse), TwoWays(forward, reverse)):
        shares = ways.shares()
        assert shares.mass.shape == (num_target, num_source)
        assert ((shares.mass >= 0) & (shares.mass <= 1 + 1e-12)).all()
        np.testing.assert_allclose(shares.mass.sum(1) + shares.unaligned, np.ones(num_target), atol=1e-12)


def test_one_direction_forward_is_what_it_says() -> None:
    forward = one_way(5, 3, 7)
    shares = TwoWays(forward, None).shares()
    np.testing.assert_array_equal(shares.mass, forward.mass)
    np.testing.assert_array_equal(shares.unaligned, forward.null)


def test_reversed_a_word_has_what_chose_it() -> None:
    # Source words 0 and 1 are sure of target word 0; source word 2 has even chances of word 1 and of none.
    mass = np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 0.5], [0.0, 0.0, 0.0]])
    shares = TwoWays(None, OneWay(frozenset(), mass, np.array([0.0, 0.0, 0.5]))).shares()
    np.testing.assert_allclose(shares.mass, [[0.5, 0.5, 0.0], [0.0, 0.0, 0.5], [0.0, 0.0, 0.0]])
    np.testing.assert_allclose(shares.unaligned, [0.0, 0.5, 1.0])


def test_directions_that_agree_leave_their_shares_as_they_are() -> None:
    permuted = np.eye(5)[[2, 0, 1, 4, 3]]
    way = OneWay(frozenset(), permuted, np.zeros(5))
    np.testing.assert_array_equal(TwoWays(way, way).shares().mass, permuted)


@pytest.mark.parametrize("name", ["forward", "reverse", "intersection", "union", "grow-diag"])
def test_links_are_symmetrised_by_name(name: str) -> None:
    forward = OneWay(frozenset({(0, 0), (1, 2)}), np.zeros((3, 2)), np.ones(3))
    reverse = OneWay(frozenset({(0, 0), (1, 1)}), np.zeros((3, 2)), np.ones(2))
    wanted = {
        "forward": forward.links,
        "reverse": reverse.links,
        "intersection": {(0, 0)},
        "union": forward.links | reverse.links,
        "grow-diag": {(0, 0), (1, 1)},
    }
    assert TwoWays(forward, reverse).links(name) == wanted[name]


def test_a_symmetrisation_looks_at_what_it_needs() -> None:
    assert directions_of("forward") == {"forward"}
    assert directions_of("reverse") == {"reverse"}
    assert directions_of("intersection") == BOTH
    forward = one_way(3, 5, 1)
    assert TwoWays(forward, None).links("forward") == forward.links
