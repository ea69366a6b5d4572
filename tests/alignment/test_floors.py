"""Aligners that read no word."""

from __future__ import annotations

import numpy as np
import pytest

from weft.alignment.floors import diagonal_links, floors, random_links


@pytest.mark.parametrize(
    ("num_source", "num_target"), [(7, 5), (5, 7), (1, 13), (13, 1), (5, 5), (0, 3), (3, 0), (0, 0)]
)
def test_each_target_word_has_one_source_word_that_is_there(num_source: int, num_target: int) -> None:
    for links in floors(num_source, num_target, generator=np.random.default_rng(3)).values():
        assert {j for _, j in links} == (set(range(num_target)) if num_source else set())
        assert len(links) == (num_target if num_source else 0)
        assert all(0 <= i < num_source for i, _ in links)


def test_the_diagonal_is_straight() -> None:
    assert diagonal_links(5, 5) == {(n, n) for n in range(5)}
    assert diagonal_links(3, 6) == {(0, 0), (0, 1), (1, 2), (1, 3), (2, 4), (2, 5)}
    assert diagonal_links(7, 2) == {(1, 0), (5, 1)}
    for num_source, num_target in ((7, 5), (5, 11), (1, 3)):  # the same from either end
        links = diagonal_links(num_source, num_target)
        turned = {(num_source - 1 - i, num_target - 1 - j) for i, j in links}
        assert len(turned ^ links) <= 2 * (num_target // 2)
        assert sorted(i for i, _ in links) == [i for i, _ in sorted(links, key=lambda link: link[1])]


def test_random_links_follow_the_seed_and_reach_every_word() -> None:
    first, again = (random_links(7, 101, generator=np.random.default_rng(3)) for _ in range(2))
    assert first == again != random_links(7, 101, generator=np.random.default_rng(5))
    assert {i for i, _ in first} == set(range(7))
