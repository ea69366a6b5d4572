"""Several named sources of one batch."""

from __future__ import annotations

import pytest
import torch

from weft.base.errors import ShapeError, UnsupportedError
from weft.base.padded import pad
from weft.base.sources import Sources

THREE = Sources({"en": pad([[3, 4], [5], [6]]), "de": pad([[7], [], [8, 9, 3]])})


def test_rows_of_all_sources_are_selected_together() -> None:
    found = THREE.select(torch.tensor([2, 0]))

    assert len(found) == 2
    assert found.parts["en"].keep.tolist() == [[True, False], [True, True]]
    assert found.parts["de"].keep.tolist() == [[True, True, True], [True, False, False]]


def test_keep_and_lengths_count_all_sources() -> None:
    assert THREE.keep.shape == (3, 5)
    assert THREE.lengths.tolist() == [3, 1, 4]
    assert THREE.to("cpu").lengths.tolist() == [3, 1, 4]


def test_sources_of_unequal_batch_size_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"all with as many rows, got en 2, picture 3; a row that lacks"):
        Sources({"en": pad([[3], [4]]), "picture": pad([[3], [4], [5]])})


def test_no_source_is_refused() -> None:
    with pytest.raises(ShapeError, match="wants one source or more, all with as many rows, got none"):
        Sources({})


def test_a_model_of_one_source_says_so() -> None:
    with pytest.raises(UnsupportedError, match=r"wanted one source, got en, de; give one alone, or train a model with"):
        THREE.read_by(lambda padded: padded)
