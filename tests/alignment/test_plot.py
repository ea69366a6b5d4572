import io
import sys
from dataclasses import replace

import pytest
import torch
from tests.alignment import drawings

from weft.alignment.draw import Drawing
from weft.alignment.link import WordAlignment
from weft.alignment.plot import THREAD, head_grid, heat_map, link_plot
from weft.base.errors import ShapeError, UnsupportedError

WEIGHTS = torch.tensor([[0.25, 0.5, 0.25], [1.0, 0.0, 0.0]])


def test_the_figure_shows_the_weights_with_a_label_a_row_and_a_column() -> None:
    figure = heat_map(WEIGHTS, ["$x", "dort"], ["The", "dog_", "sleeps"], title="layer 0")
    axes = figure.axes[0]
    assert axes.images[0].get_array().tolist() == WEIGHTS.tolist()
    assert [label.get_text() for label in axes.get_xticklabels()] == ["The", "dog_", "sleeps"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["$x", "dort"]
    figure.savefig(io.BytesIO(), format="png")


def test_sums_stand_at_the_ends_of_rows_and_columns() -> None:
    figure = heat_map(WEIGHTS, ["a", "b"], ["c", "d", "e"], sums=True)
    beside, below = figure.axes[0].child_axes
    assert [bar.get_width() for bar in beside.patches] == pytest.approx([0.75, 0.0])  # 1.5 of log2(4) bits
    assert [bar.get_height() for bar in below.patches] == pytest.approx([1.25, 0.5, 0.25])
    figure.savefig(io.BytesIO(), format="png")


def test_every_head_has_a_map_and_those_read_a_frame() -> None:
    heat = drawings.dog().heat
    assert heat is not None
    assert heat.words is not None
    figure = head_grid(heat)
    maps = [axes for axes in figure.axes if axes.images]
    assert len(maps) == drawings.LAYERS * drawings.HEADS
    assert maps[1].images[0].get_array().shape == heat.words.shape[2:]
    framed = [
        number
        for number, axes in enumerate(maps)
        if axes.spines["top"].get_edgecolor()[:3] != maps[0].spines["top"].get_edgecolor()[:3]
    ]
    assert framed == [1 * drawings.HEADS + 2]
    tokens = head_grid(replace(heat, words=None))
    assert tokens.axes[0].images[0].get_array().shape == heat.weights.shape[2:]
    figure.savefig(io.BytesIO(), format="png")


def test_links_run_from_word_to_word_the_wider_the_likelier() -> None:
    one = drawings.dog()
    axes = link_plot(one).axes[0]
    threads = [
        patch
        for patch in axes.patches
        if patch.get_edgecolor()[:3] == pytest.approx(_rgb(THREAD)) and not patch.get_fill()
    ]
    ends = [(patch.get_path().vertices[0][1], patch.get_path().vertices[-1][1]) for patch in threads]
    assert ends == [(i, j) for i, j, _ in one.links]
    widths = {share: patch.get_linewidth() for patch, (_, _, share) in zip(threads, one.links, strict=True)}
    assert sorted(widths.values()) == [widths[share] for share in sorted(widths)]
    places = {text.get_text(): text.get_position()[1] for text in axes.texts}
    assert (places["sleeps"], places["dort"]) == (3, 3)
    assert {"read", "spread"} <= set(places)


def test_a_pair_without_words_or_masses_is_a_figure_too() -> None:
    for one in (Drawing("", "", [], [], WordAlignment()), replace(drawings.dog(), mass=None), drawings.long_word()):
        picture = io.BytesIO()
        link_plot(one).savefig(picture, format="png")
        assert picture.getvalue().startswith(b"\x89PNG")


def test_labels_must_fit_the_weights() -> None:
    with pytest.raises(ShapeError, match=r"weights must be \[t s\] = \[1, 3\].*got \[2, 3\]; cut weights"):
        heat_map(WEIGHTS, ["a"], ["b", "c", "d"])


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    for plot in (lambda: heat_map(WEIGHTS, ["a", "b"], ["c", "d", "e"]), lambda: link_plot(drawings.dog())):
        with pytest.raises(
            UnsupportedError, match=r'needs matplotlib, which is not installed; run: pip install "weft\[plot\]"'
        ):
            plot()


def _rgb(colour: str) -> list[float]:
    return [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
