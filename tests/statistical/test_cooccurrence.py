from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.statistical import cooccurrence
from weft.statistical.blocks import Block, blocks
from weft.statistical.cooccurrence import Cooccurrence, distinct, places

NUM_TARGET = 13
Sentences = Sequence[Sequence[int]]


def cut(pairs: Sequence[tuple[Sequence[int], Sequence[int]]], cells: int = 31) -> list[Block]:
    sides = [[np.array(side, np.int32) for side in sides] for sides in zip(*pairs, strict=True)]
    return list(blocks(sides[0], sides[1], cells=cells)) if pairs else []


words = st.lists(st.integers(0, NUM_TARGET - 1), max_size=7)


@given(st.lists(st.tuples(words, words), max_size=11))
def test_every_pair_of_a_text_has_its_place(pairs: list[tuple[list[int], list[int]]]) -> None:
    text = cut(pairs)
    table = Cooccurrence.of(text, num_target=NUM_TARGET)
    wanted = sorted({(s, t) for source, target in pairs for s in source for t in target})
    assert list(zip(table.sources.tolist(), table.targets.tolist(), strict=True)) == wanted
    for block in text:
        at = places(block, table.keys(), num_target=NUM_TARGET)
        np.testing.assert_array_equal(table.sources[at], np.broadcast_to(block.sources[:, None, :], at.shape))
        np.testing.assert_array_equal(table.targets[at], np.broadcast_to(block.targets[:, :, None], at.shape))


def test_pairs_without_a_place_get_the_one_behind_all() -> None:
    table = Cooccurrence.of(cut([([2, 3], [5, 7])]), num_target=NUM_TARGET)
    (block,) = cut([([3, -1, 4], [7, -1])])
    assert places(block, table.keys(), num_target=NUM_TARGET).tolist() == [[[3, 4, 4], [4, 4, 4]]]
    empty = Cooccurrence.of([], num_target=NUM_TARGET)
    assert places(block, empty.keys(), num_target=NUM_TARGET).tolist() == [[[0, 0, 0], [0, 0, 0]]]


@pytest.mark.parametrize("high", [3, 1 << 61])
def test_distinct_keys_come_in_order_with_their_places(high: int) -> None:
    keys = np.array([high, 2, high, -1, 2, 0], np.int64)
    values, inverse = distinct(keys)
    assert values.tolist() == [-1, 0, 2, high]
    assert values[inverse].tolist() == keys.tolist()


def test_a_text_larger_than_what_is_held_makes_the_same_table(monkeypatch: pytest.MonkeyPatch) -> None:
    text = cut([([s, s + 1], [s * 2 % 13, 3]) for s in range(11)], cells=4)
    whole = Cooccurrence.of(text, num_target=NUM_TARGET)
    monkeypatch.setattr(cooccurrence, "HELD_KEYS", 5)
    parts = Cooccurrence.of(text, num_target=NUM_TARGET)
    np.testing.assert_array_equal(whole.keys(), parts.keys())
