"""Shapes as outlines in a box from -1 to 1, and how far a point lies from them."""

from __future__ import annotations

from math import cos, pi, sin

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

CIRCLE = "circle"
OUTLINES: dict[str, tuple[tuple[float, float], ...]] = {
    "square": ((-0.88, -0.88), (0.88, -0.88), (0.88, 0.88), (-0.88, 0.88)),
    "triangle": ((0.0, -1.0), (1.0, 0.8), (-1.0, 0.8)),
    "star": tuple(
        (sin(pi * point / 5) * reach, -cos(pi * point / 5) * reach) for point, reach in enumerate([1.0, 0.42] * 5)
    ),
    "cross": tuple(
        (x * quarter[0] - y * quarter[1], x * quarter[1] + y * quarter[0])
        for quarter in ((1, 0), (0, 1), (-1, 0), (0, -1))
        for x, y in ((-0.34, -1.0), (0.34, -1.0), (0.34, -0.34))
    ),
    "diamond": ((0.0, -1.0), (0.7, 0.0), (0.0, 1.0), (-0.7, 0.0)),
}
"""Corners in order, y downward; a circle has none."""
NAMES = (CIRCLE, *OUTLINES)


def distance(shape: str, x: Array, y: Array) -> Array:
    """How far each point lies outside of a shape; negative inside."""
    return np.hypot(x, y) - 1 if shape == CIRCLE else _polygon(np.array(OUTLINES[shape]), x, y)


def _polygon(corners: Array, x: Array, y: Array) -> Array:
    """The distance to the nearest edge; a point is inside if a ray to the right crosses an odd number of edges."""
    px, py = x[..., None], y[..., None]  # one more axis: the edges
    (ax, ay), (bx, by) = corners.T, np.roll(corners, -1, axis=0).T
    dx, dy = bx - ax, by - ay
    along = np.clip(((px - ax) * dx + (py - ay) * dy) / (dx * dx + dy * dy), 0, 1)
    nearest = np.hypot(px - ax - along * dx, py - ay - along * dy).min(-1)
    slope = np.divide(dx, dy, out=np.zeros_like(dx), where=dy != 0)  # a level edge is crossed by no level ray
    crossings = (((ay > py) != (by > py)) & (px < ax + (py - ay) * slope)).sum(-1)
    return np.where(crossings % 2 == 1, -nearest, nearest)
