"""Training sets that weft draws itself: scenes with captions, by a seed that stands in the place of a file."""

from __future__ import annotations

import numpy as np

from weft.base.errors import ConfigError
from weft.data.image import Image
from weft.data.scene_captions import captions
from weft.data.scene_pictures import picture
from weft.data.scenes import Scene, scene
from weft.runs.recipe import PairSource

SCENES = "scenes:"
SAID = 5
"""Captions of a scene."""


def is_drawn(source: PairSource) -> bool:
    """Whether a set is no file but `scenes:SEED`."""
    return source.path.startswith(SCENES)


def drawn(source: PairSource, *, side: int) -> list[tuple[str, Image, list[str]]]:
    """The name, the picture and the captions of each scene of a set; those of its seed are always the same.

    Colours and shapes that are held out (`data.scenes.HELD_OUT`) never meet in them. Raises ConfigError for a set that
    names no seed, or does not say how many.
    """
    seed = source.path.removeprefix(SCENES)
    if not seed.isdecimal() or source.rows is None:
        raise ConfigError(
            f'{source.path}: wanted scenes to draw, as path = "scenes:7" with rows = 10000, got {seed!r} and rows '
            f"{source.rows}; give a seed and a number"
        )
    return [_described(scene(int(seed), number), side) for number in range(source.rows)]


def _described(one: Scene, side: int) -> tuple[str, Image, list[str]]:
    rng = np.random.default_rng([*one.seed, 2])
    return f"scene {one.seed[1]}", picture(one, side=side), captions(one, rng, count=SAID)
