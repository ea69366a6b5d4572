"""Small made-up scenes: one to three coloured shapes that stand in relations to each other, by seed and number."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations as pairs_of
from math import cos, hypot, pi, sin
from typing import Literal

import numpy as np

from weft.data.shapes import NAMES as SHAPES
from weft.data.shapes import Array, distance

COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "black")
BACKGROUNDS = ("white", "grey", "striped", "dotted", "checked", "speckled")
RADII = {"small": (0.095, 0.115), "large": (0.175, 0.21)}
"""Half the side of the box that a shape fills, in shares of the picture."""
HELD_OUT = frozenset(
    [
        ("red", "star"),
        ("orange", "diamond"),
        ("yellow", "cross"),
        ("green", "circle"),
        ("blue", "triangle"),
        ("purple", "square"),
        ("black", "star"),
    ]
)
"""Colours and shapes that never meet in a "seen" scene: what composition is tested on."""

Combinations = Literal["seen", "held-out", "all"]
_GAP = 0.03  # boxes are this far apart on an axis, or overlap by as much: nothing is in doubt
_CENTRED = 0.02


@dataclass(frozen=True)
class Thing:
    """A shape in a picture whose sides are 1 long; it fills a box of `radius` around (x, y), y downward."""

    shape: str
    colour: str
    size: str
    x: float
    y: float
    radius: float
    turn: float
    """By which it is turned, in radians; so little that no square becomes a diamond."""

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom."""
        return self.x - self.radius, self.y - self.radius, self.x + self.radius, self.y + self.radius

    def distance(self, x: Array, y: Array) -> Array:
        """How far points of the picture lie outside of the thing; negative inside."""
        u, v = (x - self.x) / self.radius, (y - self.y) / self.radius
        turned = cos(self.turn) * u + sin(self.turn) * v, cos(self.turn) * v - sin(self.turn) * u
        return distance(self.shape, *turned) * self.radius


@dataclass(frozen=True)
class Scene:
    """Things from back to front on a background; `seed` decides all that has no name, such as tints."""

    things: tuple[Thing, ...]
    background: str
    seed: tuple[int, int]


def scene(seed: int, number: int, *, combinations: Combinations = "seen") -> Scene:
    """Scene `number` of those that a seed stands for.

    "held-out": some thing is of a colour and shape that never meet in a "seen" scene.
    """
    rng = np.random.default_rng([seed, number])
    while True:
        things = _things(rng)
        kinds = {(one.colour, one.shape) for one in things}
        found = "seen" if HELD_OUT.isdisjoint(kinds) else "held-out"
        if len(kinds) == len(things) and combinations in ("all", found):
            return Scene(things, _one_of(rng, BACKGROUNDS), (seed, number))


# What can be said of two things. Each holds by itself, so that captions can be checked.


def left_of(one: Thing, other: Thing) -> bool:
    """Whether one box ends before the other begins; `above` says the same from top to bottom."""
    return one.box[2] <= other.box[0]


def above(one: Thing, other: Thing) -> bool:
    return one.box[3] <= other.box[1]


def inside(one: Thing, other: Thing) -> bool:
    """Whether one lies in the middle of a larger one."""
    return one.radius < other.radius and hypot(one.x - other.x, one.y - other.y) <= 2 * _CENTRED


def overlapping(one: Thing, other: Thing) -> bool:
    """Whether their boxes share a part of the picture, and neither is inside the other."""
    return max(_gaps(one, other)) < 0 and not (inside(one, other) or inside(other, one))


_CHECKS: dict[str, Callable[[Thing, Thing, bool], bool]] = {
    "left of": lambda one, other, _: left_of(one, other),
    "right of": lambda one, other, _: left_of(other, one),
    "above": lambda one, other, _: above(one, other),
    "below": lambda one, other, _: above(other, one),
    "inside": lambda one, other, _: inside(one, other),
    "around": lambda one, other, _: inside(other, one),
    "in front of": lambda one, other, later: overlapping(one, other) and later,
    "behind": lambda one, other, later: overlapping(one, other) and not later,
}
RELATIONS = tuple(_CHECKS)


def holds(relation: str, things: tuple[Thing, ...], one: int, other: int) -> bool:
    """Whether thing `one` stands in this relation to thing `other`, both by number, from back to front."""
    return _CHECKS[relation](things[one], things[other], one > other)


# How things are placed. Every layout is tried until nothing is in doubt.


@dataclass(frozen=True)
class _Layout:
    place: Callable[[np.random.Generator], tuple[Thing, ...]]
    share: float
    together: int
    """How many pairs of boxes overlap."""


def _things(rng: np.random.Generator) -> tuple[Thing, ...]:
    chosen = _LAYOUTS[rng.choice(len(_LAYOUTS), p=[layout.share for layout in _LAYOUTS])]
    while True:
        things = chosen.place(rng)
        if all(min(one.box) >= 0.02 and max(one.box) <= 0.98 for one in things) and _clear(things, chosen.together):
            return things


def _alone(rng: np.random.Generator) -> tuple[Thing, ...]:
    """Near the middle of one of the nine fields of the picture."""
    x, y = (place + rng.uniform(-0.07, 0.07) for place in ((rng.integers(3, size=2) + 0.5) / 3))
    return (_thing(rng, x, y),)


def _two(rng: np.random.Generator) -> tuple[Thing, ...]:
    return tuple(_anywhere(rng) for _ in range(2))


def _three(rng: np.random.Generator) -> tuple[Thing, ...]:
    return tuple(_anywhere(rng) for _ in range(3))


def _within(rng: np.random.Generator) -> tuple[Thing, ...]:
    """A small thing in a large one, of a shape that still shows."""
    behind = _anywhere(rng, size="large", shape=_one_of(rng, ("circle", "square")))
    x, y = (middle + rng.uniform(-_CENTRED, _CENTRED) for middle in (behind.x, behind.y))
    return behind, _thing(rng, x, y, size="small", not_of=behind.colour)


def _in_front(rng: np.random.Generator) -> tuple[Thing, ...]:
    """A thing that hides a part of another, which is large, at its edge."""
    behind = _anywhere(rng, size="large")
    while True:
        front = _thing(rng, behind.x, behind.y, not_of=behind.colour)
        angle = rng.uniform(0, 2 * pi)
        reach = behind.radius * rng.uniform(0.7, 0.9) + (front.radius * 0.4 if front.size == "large" else 0)
        front = replace(front, x=float(front.x + cos(angle) * reach), y=float(front.y + sin(angle) * reach))
        if 0.1 < _hidden(behind, front) < 0.45:
            return behind, front


def _pair_and_one(rng: np.random.Generator) -> tuple[Thing, ...]:
    return (*(_within if rng.random() < 0.5 else _in_front)(rng), _anywhere(rng))


_LAYOUTS = (
    _Layout(_alone, 0.15, 0),
    _Layout(_two, 0.25, 0),
    _Layout(_within, 0.1, 1),
    _Layout(_in_front, 0.15, 1),
    _Layout(_three, 0.2, 0),
    _Layout(_pair_and_one, 0.15, 1),
)


def _anywhere(rng: np.random.Generator, *, size: str = "", shape: str = "") -> Thing:
    return _thing(rng, *rng.uniform(0.1, 0.9, size=2), size=size, shape=shape)


def _thing(rng: np.random.Generator, x: float, y: float, *, size: str = "", shape: str = "", not_of: str = "") -> Thing:
    """A thing at a place; of any size, shape and colour that are not given."""
    size = size or _one_of(rng, tuple(RADII))
    return Thing(
        shape=shape or _one_of(rng, SHAPES),
        colour=_one_of(rng, tuple(colour for colour in COLOURS if colour != not_of)),
        size=size,
        x=float(x),
        y=float(y),
        radius=float(rng.uniform(*RADII[size])),
        turn=float(rng.uniform(-0.12, 0.12)),
    )


def _one_of(rng: np.random.Generator, names: tuple[str, ...]) -> str:
    return names[rng.integers(len(names))]


def _clear(things: tuple[Thing, ...], together: int) -> bool:
    """Whether no two boxes almost touch on any axis, and as many pairs overlap as should."""
    gaps = [tuple(_gaps(one, other)) for one, other in pairs_of(things, 2)]
    return all(abs(gap) >= _GAP for pair in gaps for gap in pair) and sum(max(pair) < 0 for pair in gaps) == together


def _gaps(one: Thing, other: Thing) -> Iterator[float]:
    """How far two boxes are apart from left to right and from top to bottom; negative where they overlap."""
    reach = one.radius + other.radius
    yield abs(one.x - other.x) - reach
    yield abs(one.y - other.y) - reach


def _hidden(behind: Thing, front: Thing) -> float:
    """The share of the smaller one's area that both have, by a raster of 15 x 15 points."""
    left, top, right, bottom = front.box
    x, y = np.meshgrid(np.linspace(left, right, 15), np.linspace(top, bottom, 15))
    covered = front.distance(x, y) < 0
    return float((behind.distance(x, y)[covered] < 0).mean())
