"""Sentence pairs of one shape side by side, so that no block holds padding and no sum needs a mask."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int32]
CELLS = 1 << 19
"""Word pairs that a block holds at most, unless it is one sentence pair: a few MB in each array of its size."""


@dataclass(frozen=True)
class Block:
    """Sentence pairs with equally many words: word ids `[b s]` and `[b t]`, and their places in the input, `[b]`."""

    rows: NDArray[np.int64]
    sources: Ids
    targets: Ids


def blocks(sources: Sequence[Ids], targets: Sequence[Ids], *, cells: int = CELLS) -> Iterator[Block]:
    """All pairs that have words on both sides, by shape, the shortest first; pairs of a shape keep their order."""
    of_shape: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for row, (source, target) in enumerate(zip(sources, targets, strict=True)):
        of_shape[len(source), len(target)].append(row)
    for (num_source, num_target), rows in sorted(of_shape.items()):
        area = num_source * num_target
        if area:
            step = max(1, cells // area)
            for start in range(0, len(rows), step):
                part = rows[start : start + step]
                yield Block(
                    np.array(part, np.int64),
                    np.stack([sources[row] for row in part]),
                    np.stack([targets[row] for row in part]),
                )
