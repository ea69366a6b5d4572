import io
import sys

import pytest
import torch

from weft.alignment.plot import heat_map
from weft.base.errors import ShapeError, UnsupportedError

WEIGHTS = torch.tensor([[0.25, 0.5, 0.25], [1.0, 0.0, 0.0]])


def test_the_figure_shows_the_weights_with_a_label_a_row_and_a_column() -> None:
    figure = heat_map(WEIGHTS, ["$x", "dort"], ["The", "dog_", "sleeps"], title="layer 0")
    axes = figure.axes[0]
    assert axes.images[0].get_array().tolist() == WEIGHTS.tolist()
    assert [label.get_text() for label in axes.get_xticklabels()] == ["The", "dog_", "sleeps"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["$x", "dort"]
    figure.savefig(io.BytesIO(), format="png")


def test_labels_must_fit_the_weights() -> None:
    with pytest.raises(ShapeError, match=r"weights must be \[t s\] = \[1, 3\].*got \[2, 3\]; cut weights"):
        heat_map(WEIGHTS, ["a"], ["b", "c", "d"])


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(
        UnsupportedError, match=r'needs matplotlib, which is not installed; run: pip install "weft\[plot\]"'
    ):
        heat_map(WEIGHTS, ["a", "b"], ["c", "d", "e"])
