"""The best monotone path through a matrix: dynamic time warping."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.alignment.side import Array


def monotone_path(weights: Array) -> NDArray[np.bool_]:
    """The cells `[t s]` of the path from the first to the last of both on which the sum of the weights is greatest.

    From a cell the path goes on to the next row, the next column, or both (Sakoe and Chiba 1978, on the negative
    matrix, as Whisper's word times are found); of ways that are equally good it takes both. Rows are not walked cell by
    cell: best[i] = w[i] + max(above[i], best[i - 1]) is a running maximum of `above` less the sum of weights before i.
    """
    num_rows, num_columns = weights.shape
    path = np.zeros(weights.shape, np.bool_)
    if not weights.size:
        return path
    best = np.full((num_rows + 1, num_columns + 1), -np.inf)
    best[0, 0] = 0
    for row in range(num_rows):
        above = np.maximum(best[row, 1:], best[row, :-1])
        summed = np.cumsum(weights[row])
        best[row + 1, 1:] = summed + np.maximum.accumulate(above - (summed - weights[row]))
    row, column = num_rows, num_columns
    while row:
        path[row - 1, column - 1] = True
        ways = (best[row - 1, column - 1], best[row - 1, column], best[row, column - 1])
        choice = ways.index(max(ways))
        row, column = row - (choice < 2), column - (choice != 1)
    return path
