"""Links and gold links as text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.alignment.links import links_within

from weft.alignment.pairs import Gold, Pairs, as_pharaoh, parse_gold, parse_links
from weft.base.errors import DataError

PAIRS = links_within(13, 7)


@given(PAIRS)
def test_links_that_were_written_are_read_again(pairs: Pairs) -> None:
    assert parse_links(as_pharaoh(pairs), num_source=13, num_target=7, where="f:5") == pairs


@given(PAIRS, PAIRS)
def test_gold_links_that_were_written_are_read_again(sure: Pairs, more: Pairs) -> None:
    text = f"{as_pharaoh(more).replace('-', '?')}  {as_pharaoh(sure)} "
    assert parse_gold(text, num_source=13, num_target=7, where="f:5") == Gold(sure, sure | more)


@given(st.text("0123456789-? \t\u00a0\x1cp", max_size=11))
def test_any_text_is_links_or_an_error(text: str) -> None:
    items = text.split()
    right = all(re.fullmatch("[0-9]{1,9}-[0-9]{1,9}", item) for item in items)
    if right:
        expected = {tuple(map(int, item.split("-"))) for item in items}
        assert parse_links(text, num_source=10**9, num_target=10**9, where="f:5") == expected
    else:
        with pytest.raises(DataError):
            parse_links(text, num_source=10**9, num_target=10**9, where="f:5")


def test_no_text_is_no_link_and_twice_the_same_is_one() -> None:
    assert parse_links("", num_source=0, num_target=0, where="f:5") == frozenset()
    assert parse_gold(" ", num_source=0, num_target=0, where="f:5") == Gold(frozenset(), frozenset())
    assert parse_links("1-2 1-2", num_source=2, num_target=3, where="f:5") == {(1, 2)}
    assert parse_gold("1?2 1-2", num_source=2, num_target=3, where="f:5").sure == {(1, 2)}


@pytest.mark.parametrize(
    "wrong", ["1", "1-", "-1-2", "1-2-3", "1?2", "1p2", "a-b", "1-2:0.5", "²-1", "1" * 5000 + "-0"]
)
def test_malformed_links_are_named(wrong: str) -> None:
    message = (
        f"f:5: wanted links i-j of a source and a target word, counted from 0 and parted by spaces, got {wrong!r}; "
    )
    with pytest.raises(DataError, match=re.escape(message) + "mend the line"):
        parse_links(f"0-0 {wrong} 1-1", num_source=13, num_target=7, where="f:5")


def test_malformed_gold_links_are_named() -> None:
    with pytest.raises(DataError, match=r"f:5: wanted links i-j \(sure\) or i\?j \(possible\) of .* got '1p2'; mend"):
        parse_gold("0-0 0?1 1p2", num_source=13, num_target=7, where="f:5")


@pytest.mark.parametrize("wrong", ["13-0", "0-7", "999999999-6"])
def test_links_past_the_words_are_named(wrong: str) -> None:
    message = (
        f"f:5: wanted links between 13 source and 7 target words, got {wrong}; count words from 0, the source word "
    )
    with pytest.raises(DataError, match=re.escape(message) + "first"):
        parse_links(f"12-6 {wrong}", num_source=13, num_target=7, where="f:5")
    for kind in "-?":
        with pytest.raises(DataError, match=re.escape(message)):
            parse_gold(f"12-6 {wrong.replace('-', kind)}", num_source=13, num_target=7, where="f:5")


def test_sure_links_are_possible_ones() -> None:
    with pytest.raises(
        DataError, match="possible links must include every sure one, got sure ones beside them: 0-1; add"
    ):
        Gold(frozenset({(0, 1), (0, 0)}), frozenset({(0, 0)}))
