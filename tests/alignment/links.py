"""Links to try laws on: every cell of a grid is a link or not, by the bits of one number, which is quickly drawn."""

from __future__ import annotations

from hypothesis import strategies as st

from weft.alignment.pairs import Pairs


def links_within(num_source: int, num_target: int) -> st.SearchStrategy[Pairs]:
    """Any links between so many words, few of them or many."""
    cells = num_source * num_target
    bits = st.integers(0, 2**cells - 1)
    return st.builds(
        lambda first, second: frozenset(
            divmod(cell, num_target) for cell in range(cells) if (first & second) >> cell & 1
        ),
        bits,
        bits,
    )
