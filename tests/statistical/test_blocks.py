from __future__ import annotations

import numpy as np

from weft.statistical.blocks import blocks

LENGTHS = [(3, 5), (2, 2), (3, 5), (0, 5), (3, 0), (3, 5), (101, 101)]
SOURCES = [np.full(source, row, np.int32) for row, (source, _) in enumerate(LENGTHS)]
TARGETS = [np.full(target, 10 * row, np.int32) for row, (_, target) in enumerate(LENGTHS)]


def test_a_block_holds_pairs_of_one_shape_and_no_more_cells_than_asked_for() -> None:
    found = list(blocks(SOURCES, TARGETS, cells=31))
    assert [block.rows.tolist() for block in found] == [[1], [0, 2], [5], [6]]
    for block in found:
        assert (block.sources == block.rows[:, None]).all()
        assert (block.targets == 10 * block.rows[:, None]).all()
        assert [(block.sources.shape[1], block.targets.shape[1])] * len(block.rows) == [LENGTHS[r] for r in block.rows]


def test_nothing_makes_no_block() -> None:
    assert list(blocks([], [])) == []
