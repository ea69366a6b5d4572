"""A heat map of attention, for those who have matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from weft.base.errors import ShapeError, UnsupportedError
from weft.base.shapes import Float, Tensor

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def heat_map(weights: Float[Tensor, "t s"], rows: Sequence[str], columns: Sequence[str], *, title: str = "") -> Figure:
    """A matplotlib figure of `weights`, target down and source across, sized so that every label can be read.

    Raises UnsupportedError without matplotlib, ShapeError if labels and weights do not fit.
    """
    if list(weights.shape) != [len(rows), len(columns)]:
        raise ShapeError(
            f"weights must be [t s] = {[len(rows), len(columns)]}, one label a row and a column, "
            f"got {list(weights.shape)}; cut weights and labels to the same tokens"
        )
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UnsupportedError(
            'a plot needs matplotlib, which is not installed; run: pip install "weft[plot]"'
        ) from error
    figure = Figure(figsize=(2.2 + 0.27 * len(columns), 1.6 + 0.27 * len(rows)), layout="constrained")
    axes = figure.add_subplot()
    image = axes.imshow(
        weights.detach().float().cpu().numpy(),
        cmap="BuGn",
        vmin=0,
        vmax=1,
        aspect="equal",
        extent=(-0.5, max(len(columns), 1) - 0.5, max(len(rows), 1) - 0.5, -0.5),  # room even for no words
    )
    axes.set_xticks(range(len(columns)), columns, rotation=60, ha="left", rotation_mode="anchor", parse_math=False)
    axes.set_yticks(range(len(rows)), rows, parse_math=False)
    axes.tick_params(length=0, labelsize=9, top=False, bottom=False, labeltop=True, labelbottom=False)
    for side in axes.spines.values():
        side.set_visible(False)
    if title:
        axes.set_title(title, fontsize=10, loc="left", parse_math=False)
    figure.colorbar(image, ax=axes, shrink=0.6, aspect=30, pad=0.02).outline.set_visible(False)
    return figure
