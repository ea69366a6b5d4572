"""One alignment in all its forms."""

from __future__ import annotations

import numpy as np
import pytest

from weft.aligning.aligned import Alignment
from weft.alignment.extract import WordWeights
from weft.alignment.link import Link, Unaligned


@pytest.fixture
def alignment() -> Alignment:
    shares = WordWeights(
        mass=np.array([[0.75, 0.25], [0.0, 0.5], [0.0, 0.0]]),
        unaligned=np.array([0.0, 0.5, 1.0]),
        source_words=((0, 3), (4, 9)),
        target_words=((0, 2), (3, 8), (9, 12)),
        linked=np.array([[True, False], [True, True], [False, False]]),
    )
    return Alignment("the <dog>", "le chien dort", shares, "union")


def test_it_says_what_came_from_where(alignment: Alignment) -> None:
    assert alignment.pairs == {(0, 0), (0, 1), (1, 1)}
    assert alignment.pharaoh == str(alignment) == "0-0 0-1 1-1"
    assert repr(alignment) == "Alignment('the <dog>', 'le chien dort', '0-0 0-1 1-1')"
    assert alignment.links == (Link((0, 3), (0, 2), 0.75), Link((4, 9), (3, 8), 0.5), Link((0, 3), (3, 8), 0.0))
    assert alignment.unaligned[1:] == (Unaligned((3, 8), 0.5), Unaligned((9, 12), 1.0))


def test_json_has_the_texts_and_the_keys_of_a_translation(alignment: Alignment) -> None:
    found = alignment.to_json()
    assert list(found) == ["source", "target", "alignment", "unaligned"]
    assert found["alignment"][0] == {"source": [0, 3], "target": [0, 2], "probability": 0.75}
    assert [rest["probability"] for rest in found["unaligned"]] == [0.0, 0.5, 1.0]


def test_it_draws_itself(alignment: Alignment) -> None:
    drawing = alignment.drawing()
    assert drawing.source_labels == ["the", "<dog>"]
    assert drawing.links == [(0, 0, 0.75), (1, 1, 0.5), (0, 1, 0.0)]
    assert drawing.note == "links: union"
    html = alignment._repr_html_()
    assert "&lt;dog&gt;" in html
    assert "<dog>" not in html


def test_a_plot_shows_all_shares(alignment: Alignment) -> None:
    axes = alignment.plot().axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["le", "chien", "dor"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["the", "<dog>"]
