"""The captions benchmark: no picture is its own wrong one, and shares come with intervals."""

from __future__ import annotations

import numpy as np

import captions


def test_a_wrong_picture_is_always_another_and_every_picture_is_one() -> None:
    for count in (2, 3, 97):
        found = captions.others(count)
        assert sorted(found.tolist()) == list(range(count))
        assert (found != np.arange(count)).all()


def test_the_ranking_is_a_share_of_pictures() -> None:
    right, wrong = np.array([-1.0, -2.0, -3.0, -4.0]), np.array([-2.0, -3.0, -4.0, -1.0])
    found = captions.ranking(right, wrong)
    assert found["right_beats_wrong"] == 0.75
    low, high = found["interval"]
    assert low < 0.75 < high
