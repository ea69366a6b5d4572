"""Which words of two translations answer each other, and which links only one of them has."""

from hypothesis import given
from hypothesis import strategies as st

from weft.alignment.compare import only_here, twins

WORDS = st.lists(st.sampled_from("abc"), max_size=7)


def test_words_that_both_have_in_the_same_order_are_twins() -> None:
    assert twins(["le", "chien", "dort", "ici"], ["le", "gros", "chien", "dort"]) == {0: 0, 1: 2, 2: 3}


@given(WORDS, WORDS)
def test_twins_are_equal_and_in_order(one: list[str], other: list[str]) -> None:
    found = twins(one, other)
    assert all(one[here] == other[there] for here, there in found.items())
    assert list(found) == sorted(found)
    assert list(found.values()) == sorted(set(found.values()))


@given(WORDS)
def test_nothing_differs_from_itself(words: list[str]) -> None:
    assert twins(words, words) == {index: index for index in range(len(words))}
    links = [(0, index, 0.5) for index in range(len(words))]
    assert only_here(links, links, twins(words, words)) == [False] * len(words)


def test_links_of_a_word_that_the_other_lacks_are_not_compared() -> None:
    links = [(0, 0, 0.9), (1, 1, 0.9), (2, 2, 0.9)]
    assert only_here(links, [(0, 0, 0.2)], {0: 0, 2: 1}) == [False, False, True]
