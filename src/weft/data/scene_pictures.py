"""Scenes as pixels: shapes with soft edges on plain, striped, dotted, checked or speckled ground."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from weft.data.scenes import Scene, Thing
from weft.data.shapes import Array

Pixels = npt.NDArray[np.uint8]

TINTS: dict[str, tuple[int, int, int]] = {
    "red": (214, 39, 40),
    "orange": (255, 140, 20),
    "yellow": (250, 215, 40),
    "green": (40, 155, 65),
    "blue": (40, 95, 210),
    "purple": (140, 60, 170),
    "black": (28, 28, 30),
}
"""What colours are called; a drawn one differs a little."""
_CELLS = 32  # grains of a speckled ground, down and across


def picture(scene: Scene, *, side: int = 64) -> Pixels:
    """The scene as `[side side 3]` numbers from 0 to 255; the same scene is the same picture at any size."""
    rng = np.random.default_rng([*scene.seed, 1])
    middles = (np.arange(side) + 0.5) / side
    x, y = np.meshgrid(middles, middles)
    canvas = _ground(scene.background, x, y, rng)
    for thing in scene.things:
        _add(canvas, thing, x, y, rng)
    return canvas.round().clip(0, 255).astype(np.uint8)


def _add(canvas: Array, thing: Thing, x: Array, y: Array, rng: np.random.Generator) -> None:
    """Draws the thing over what is there, its edge one pixel soft."""
    tint = np.array(TINTS[thing.colour]) + rng.uniform(-14, 14, size=3)
    around = np.array([thing.box[:2], thing.box[2:]]) * len(x) + [[-1], [1]]
    first, last = around.astype(int).clip(0, len(x))
    part = slice(first[1], last[1] + 1), slice(first[0], last[0] + 1)  # beyond its box nothing of it is to be seen
    cover = np.clip(0.5 - thing.distance(x[part], y[part]) * len(x), 0, 1)[..., None]
    canvas[part] = canvas[part] * (1 - cover) + tint * cover


def _ground(name: str, x: Array, y: Array, rng: np.random.Generator) -> Array:
    """Pale, so that every colour stands out."""
    pattern = _PATTERNS[name](x, y, rng)[..., None]
    base = (190 if name == "grey" else 248) + rng.uniform(-7, 7) + rng.uniform(-3, 3, size=3)
    other = base - rng.uniform(70, 100) * rng.uniform(0.7, 1, size=3)
    return base * (1 - pattern) + other * pattern


def _plain(x: Array, y: Array, rng: np.random.Generator) -> Array:
    return np.zeros_like(x)


def _striped(x: Array, y: Array, rng: np.random.Generator) -> Array:
    along = _turned(x, y, rng.uniform(0, np.pi))[0]
    return _soft(np.sin(2 * np.pi * (along * rng.uniform(5, 8) + rng.random())), len(x))


def _dotted(x: Array, y: Array, rng: np.random.Generator) -> Array:
    per_side, start = rng.uniform(6, 9), rng.random(2)
    u, v = ((axis * per_side + first) % 1 - 0.5 for axis, first in zip((x, y), start, strict=True))
    return np.clip(0.5 + (0.26 - np.hypot(u, v)) * len(x) / per_side, 0, 1)


def _checked(x: Array, y: Array, rng: np.random.Generator) -> Array:
    per_side, start = rng.uniform(3, 4.5), rng.random(2)
    u, v = (np.sin(2 * np.pi * (axis * per_side + first)) for axis, first in zip((x, y), start, strict=True))
    return _soft(u * v, len(x))


def _speckled(x: Array, y: Array, rng: np.random.Generator) -> Array:
    grains = rng.random((_CELLS, _CELLS))
    return grains[(y * _CELLS).astype(int), (x * _CELLS).astype(int)]


_PATTERNS: dict[str, Callable[[Array, Array, np.random.Generator], Array]] = {
    "white": _plain,
    "grey": _plain,
    "striped": _striped,
    "dotted": _dotted,
    "checked": _checked,
    "speckled": _speckled,
}


def _turned(x: Array, y: Array, angle: float) -> tuple[Array, Array]:
    return np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x


def _soft(wave: Array, side: int) -> Array:
    """0 where a wave is negative and 1 where it is positive, its edges about a pixel soft."""
    return np.clip(0.5 + wave * side / 40, 0, 1)
