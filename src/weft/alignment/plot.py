"""Figures of an alignment, for those who have matplotlib: links between words, and heat maps of attention."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from typing import TYPE_CHECKING, Any

from weft.alignment.draw import Drawing
from weft.alignment.heat import Heat, coverage, entropy
from weft.base.errors import ShapeError, UnsupportedError
from weft.base.shapes import Float, Tensor

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, QUIET, THREAD = "#20242c", "#646973", "#c9c6be", "#0f766e"
_COLOURS = ["#fcfbf8", "#cfe3de", "#7fb5ad", THREAD]
_WORD = 0.26  # inches that a word takes, down or across
_ACROSS, _BAR = 1.7, 0.55  # inches that links and bars take across
_LONGEST = 18  # code points of a word beside links
_FONTS = (
    "DejaVu Sans",
    "Noto Sans Devanagari",
    "Noto Sans Bengali",
    "Noto Sans CJK JP",
    "Nirmala UI",
    "Arial Unicode MS",
)
"""Tried in this order for each letter, as far as they are installed: the first has no Indic or East Asian ones."""


def heat_map(
    weights: Float[Tensor, "t s"], rows: Sequence[str], columns: Sequence[str], *, title: str = "", sums: bool = False
) -> Figure:
    """A matplotlib figure of `weights`, target down and source across, sized so that every label can be read.

    With `sums`, bars at the end of each row show how spread it is, and bars at the foot of each column how much it was
    read. Raises UnsupportedError without matplotlib, ShapeError if labels and weights do not fit.
    """
    if list(weights.shape) != [len(rows), len(columns)]:
        raise ShapeError(
            f"weights must be [t s] = {[len(rows), len(columns)]}, one label a row and a column, "
            f"got {list(weights.shape)}; cut weights and labels to the same tokens"
        )
    figure = _figure(2.2 + _WORD * len(columns), 1.6 + _WORD * len(rows))
    axes = figure.add_subplot()
    image = _cells(axes, weights)
    axes.set_xticks(range(len(columns)), columns, rotation=60, ha="left", rotation_mode="anchor", **_text())
    axes.set_yticks(range(len(rows)), rows, **_text())
    axes.tick_params(length=0, labelsize=9, top=False, bottom=False, labeltop=True, labelbottom=False)
    if title:
        axes.set_title(title, fontsize=10, loc="left", **_text())
    if sums:
        _sums(axes, weights)
    bar = figure.colorbar(image, ax=axes, shrink=0.6, aspect=30, pad=0.02)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, labelsize=8, labelcolor=MUTED)
    return figure


def head_grid(heat: Heat) -> Figure:
    """A heat map of every layer (down) and head (across), over words if they are known; the heads read are framed."""
    weights = heat.weights if heat.words is None else heat.words
    layers, heads, down, across = weights.shape
    wide = max(1.1, min(3.0, 0.11 * across))
    figure = _figure(0.5 + wide * heads, 0.6 + max(1.1, min(3.4, wide * down / max(across, 1))) * layers)
    grid = figure.subplots(layers, heads, squeeze=False)
    for layer in range(layers):
        for head in range(heads):
            axes = grid[layer][head]
            _cells(axes, weights[layer, head])
            axes.set_xticks([])
            axes.set_yticks([])
            if layer == 0:
                axes.set_title(f"head {head}", fontsize=9, color=MUTED)
            if head == 0:
                axes.set_ylabel(f"layer {layer}", fontsize=9, color=MUTED)
            chosen = heat.chosen is not None and heat.chosen.layer == layer and head in heat.chosen.heads
            for side in axes.spines.values():
                side.set(visible=True, color=THREAD if chosen else QUIET, linewidth=2 if chosen else 0.6)
    return figure


def link_plot(drawing: Drawing) -> Figure:
    """The links drawn between two columns of words, source left and target right, the wider the likelier.

    Where all that the links were taken from is known, bars beside the source words show how much each was read, and
    bars beside the target words over how many words each spreads.
    """
    source, target = drawing.source_labels, drawing.target_labels
    rows = max(len(source), len(target), 1)
    left, right = (0.3 + 0.09 * min(_LONGEST, max(map(len, words), default=0)) for words in (source, target))
    edges = -left - _BAR, _ACROSS + right + _BAR
    figure = _figure(edges[1] - edges[0], 0.7 + _WORD * rows)
    axes = figure.add_subplot()
    axes.set(xlim=edges, ylim=(rows - 0.4, -1.3))  # across in inches, down in words
    axes.axis("off")
    for i, j, share in drawing.links:
        _thread(axes, i, j, share)
    for x, words, side in ((-0.08, source, "right"), (_ACROSS + 0.08, target, "left")):
        for place, word in enumerate(words):
            axes.text(x, place, _short(word), ha=side, va="center", fontsize=10.5, **_text())
    if drawing.mass is not None and drawing.mass.numel():
        read, spread = coverage(drawing.mass), entropy(drawing.mass)
        _bars(axes, (read / max(1.0, float(read.max()))).tolist(), start=edges[0], title="read")
        _bars(axes, (spread / log(len(source) + 1)).tolist(), start=edges[1], title="spread")
    return figure


def _figure(width: float, height: float) -> Figure:
    """An empty figure of so many inches, on no screen; UnsupportedError without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UnsupportedError(
            'a plot needs matplotlib, which is not installed; run: pip install "weft[plot]"'
        ) from error
    return Figure(figsize=(width, height), layout="constrained")


def _cells(axes: Axes, weights: Float[Tensor, "t s"]) -> Any:
    """The weights as cells, on a scale from paper to thread that is the same in every figure."""
    from matplotlib.colors import LinearSegmentedColormap

    rows, columns = weights.shape
    for side in axes.spines.values():
        side.set_visible(False)
    return axes.imshow(
        weights.detach().float().cpu().numpy(),
        cmap=LinearSegmentedColormap.from_list("thread", _COLOURS),
        vmin=0,
        vmax=1,
        aspect="equal",
        extent=(-0.5, max(columns, 1) - 0.5, max(rows, 1) - 0.5, -0.5),  # room even for no words
    )


def _sums(axes: Axes, weights: Float[Tensor, "t s"]) -> None:
    """Bars at the end of each row and at the foot of each column, in strips of their own beside the cells."""
    rows, columns = weights.shape
    spread, read = (entropy(weights) / log(columns + 1)).tolist(), coverage(weights).tolist()
    beside = axes.inset_axes((1 + 0.35 / columns, 0, 1.8 / columns, 1), sharey=axes)
    beside.barh(range(rows), spread, height=0.35, color=QUIET)
    beside.set(xlim=(0, 1))
    beside.set_title("spread", fontsize=8, loc="left", color=MUTED)
    below = axes.inset_axes((0, -2.15 / rows, 1, 1.8 / rows), sharex=axes)
    below.bar(range(columns), read, width=0.35, color=QUIET)
    below.set(ylim=(max(1.0, *read), 0))
    below.set_ylabel("read", fontsize=8, rotation=0, ha="right", va="top", color=MUTED)
    for strip in (beside, below):
        strip.tick_params(left=False, bottom=False, labelleft=False, labelbottom=False)
        for side in strip.spines.values():
            side.set_visible(False)


def _thread(axes: Axes, source: int, target: int, share: float) -> None:
    """One link, from the left column to the right."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    middle = _ACROSS / 2
    points = [(0, source), (middle, source), (middle, target), (_ACROSS, target)]
    codes = [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4]
    width, alpha = 0.6 + 2.6 * share, 0.25 + 0.65 * share
    axes.add_patch(PathPatch(Path(points, codes), fill=False, edgecolor=THREAD, linewidth=width, alpha=alpha))


def _bars(axes: Axes, heights: Sequence[float], *, start: float, title: str) -> None:
    """Bars for shares from 0 to 1, growing inwards from an edge."""
    inwards = _BAR if start < 0 else -_BAR
    axes.barh(range(len(heights)), [inwards * height for height in heights], left=start, height=0.3, color=QUIET)
    axes.text(start, -1, title, ha="left" if start < 0 else "right", va="center", fontsize=8, color=MUTED)


def _text() -> dict[str, Any]:
    """How words are written: as they are, no dollar sign a formula, in fonts that have their letters."""
    from matplotlib.font_manager import fontManager

    installed = set(fontManager.get_font_names())
    return {"color": INK, "parse_math": False, "family": [name for name in _FONTS if name in installed]}


def _short(word: str) -> str:
    return word if len(word) <= _LONGEST else word[: _LONGEST - 1] + "…"
