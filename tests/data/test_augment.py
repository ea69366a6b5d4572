"""Pictures changed at random: the same for the same seed, and no more than was asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from weft.data.augment import augmented
from weft.data.image import resized
from weft.data.pixels import Augmentation

pytest.importorskip("PIL.Image")

SIZE = (11, 13)


def noise() -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (*SIZE, 3), np.uint8)


def drawn(picture: np.ndarray, *, seed: int = 7, **how: Any) -> np.ndarray:
    return augmented(picture, Augmentation(**how), size=SIZE, generator=np.random.default_rng(seed))


def test_by_default_nothing_changes_but_the_size() -> None:
    picture = noise()
    assert np.array_equal(drawn(picture), picture)
    larger = resized(picture, (23, 29))
    assert np.array_equal(drawn(larger), resized(larger, SIZE))


def test_the_same_seed_draws_the_same_picture_and_another_another() -> None:
    how = {"smallest": 0.5, "stretch": 1.3, "flip": 0.5, "brightness": 0.3, "contrast": 0.3, "saturation": 0.3}
    first, again, other = (drawn(noise(), seed=seed, **how) for seed in (7, 7, 8))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.shape == (*SIZE, 3)
    assert first.dtype == np.uint8


def test_left_and_right_change_places() -> None:
    assert np.array_equal(drawn(noise(), flip=1.0), noise()[:, ::-1])
    flips = [np.array_equal(drawn(noise(), seed=seed, flip=0.5), noise()[:, ::-1]) for seed in range(40)]
    assert 10 < sum(flips) < 30


def test_a_cut_lies_within_the_picture() -> None:
    """Of a slope from left to right every cut is a slope between its ends, and some are steeper than others."""
    slope = np.broadcast_to(np.arange(0, 250, 5, dtype=np.uint8)[None, :, None], (50, 50, 3)).copy()
    widths = []
    for seed in range(30):
        cut = drawn(slope, seed=seed, smallest=0.3, stretch=1.5)[0, :, 0].astype(int)
        assert (np.diff(cut) >= 0).all()
        widths.append(cut[-1] - cut[0])
    assert min(widths) < 0.7 * 250 < max(widths) <= 250


def test_colours_stay_near_what_they_were() -> None:
    grey = np.full((*SIZE, 3), 100, np.uint8)
    bright = [int(drawn(grey, seed=seed, brightness=0.2)[0, 0, 0]) for seed in range(30)]
    assert 80 <= min(bright) < 90
    assert 110 < max(bright) <= 120
    assert np.array_equal(drawn(grey, contrast=0.5, saturation=0.5), grey)  # grey has neither
    picture = noise()
    for how in ("contrast", "saturation"):
        assert abs(float(drawn(picture, **{how: 0.3}).mean()) - float(picture.mean())) < 3
