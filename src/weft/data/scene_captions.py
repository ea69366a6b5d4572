"""What can truly be said of a scene, and whether what somebody says of one is true."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from weft.data.scenes import BACKGROUNDS, COLOURS, RADII, RELATIONS, Scene, Thing, holds
from weft.data.shapes import NAMES as SHAPES

PLACES = (
    ("in the top left corner", "at the top", "in the top right corner"),
    ("on the left", "in the middle", "on the right"),
    ("in the bottom left corner", "at the bottom", "in the bottom right corner"),
)
"""Where a thing that is alone stands: the nine fields of the picture, row by row."""
_WITH_SIZE, _WITH_GROUND = 0.8, 0.6  # how often a caption says of what size a thing is, and what lies behind


def captions(scene: Scene, rng: np.random.Generator, *, count: int = 1) -> list[str]:
    """True captions, all of which name every thing: in another order, other relations, with more or fewer details."""
    return [_caption(scene, rng) for _ in range(count)]


def _caption(scene: Scene, rng: np.random.Generator) -> str:
    order = [int(place) for place in rng.permutation(len(scene.things))]
    first, *others = order
    ground = f" on a {scene.background} background" if rng.random() < _WITH_GROUND else ""
    words = [_named(scene.things[first], rng)]
    if not others:
        words.append(place_of(scene.things[first]))
    for place, other in enumerate(others):
        known = [relation for relation in RELATIONS if holds(relation, scene.things, first, other)]
        words += ["and"] * (place > 0) + [known[rng.integers(len(known))], _named(scene.things[other], rng)]
    return " ".join(words) + ground


def _named(thing: Thing, rng: np.random.Generator) -> str:
    words = [*([thing.size] if rng.random() < _WITH_SIZE else []), thing.colour, thing.shape]
    return " ".join(["an" if words[0][0] in "aeiou" else "a", *words])


def place_of(thing: Thing) -> str:
    """In which of the nine fields its middle is."""
    row, column = (min(int(middle * 3), 2) for middle in (thing.y, thing.x))
    return PLACES[row][column]


@dataclass(frozen=True)
class Named:
    """A thing as a caption names it; what is not said is empty."""

    size: str
    colour: str
    shape: str

    def fits(self, thing: Thing) -> bool:
        said = ((self.size, thing.size), (self.colour, thing.colour), (self.shape, thing.shape))
        return all(word in ("", true) for word, true in said)


@dataclass(frozen=True)
class Claims:
    """All that a caption says: things, where the first one stands, its relations to the others, the background."""

    things: tuple[Named, ...]
    place: str = ""
    relations: tuple[str, ...] = ()
    background: str = ""

    def found_in(self, scene: Scene) -> tuple[int, ...] | None:
        """The numbers of things of the scene, a different one for each that is named, of which all of this is true.

        None if there are none.
        """
        if self.background not in ("", scene.background):
            return None
        choices = permutations(range(len(scene.things)), len(self.things))
        return next((chosen for chosen in choices if self._hold_of(scene, chosen)), None)

    def _hold_of(self, scene: Scene, chosen: tuple[int, ...]) -> bool:
        first, *others = chosen
        return (
            all(named.fits(scene.things[number]) for named, number in zip(self.things, chosen, strict=True))
            and self.place in ("", place_of(scene.things[first]))
            and all(
                holds(relation, scene.things, first, other)
                for relation, other in zip(self.relations, others, strict=True)
            )
        )


def _any_of(words: tuple[str, ...]) -> str:
    return "|".join(words)


_NAMED = rf"an? (?:({_any_of(tuple(RADII))}) )?(?:({_any_of(COLOURS)}) )?({_any_of(SHAPES)})"
_CLAIMS = re.compile(
    rf"{_NAMED}"
    rf"(?: ({_any_of(sum(PLACES, ()))})| ({_any_of(RELATIONS)}) {_NAMED}(?: and ({_any_of(RELATIONS)}) {_NAMED})?)?"
    rf"(?: on a ({_any_of(BACKGROUNDS)}) background)?"
)


def claims(caption: str) -> Claims | None:
    """What a caption says; None if it is none of the kind that `captions` writes."""
    found = _CLAIMS.fullmatch(caption)
    if found is None:
        return None
    said = [group or "" for group in found.groups()]
    named = [Named(*said[start : start + 3]) for start in (0, 5, 9)]
    relations = tuple(said[place] for place in (4, 8) if said[place])
    return Claims(tuple(named[: 1 + len(relations)]), said[3], relations, said[12])


def is_true(caption: str, scene: Scene) -> bool:
    """Whether everything that a caption says is so; False also for what cannot be read as a caption of a scene."""
    said = claims(caption)
    return said is not None and said.found_in(scene) is not None


def names_all(caption: str, scene: Scene) -> bool:
    """Whether a caption names as many things as there are."""
    said = claims(caption)
    return said is not None and len(said.things) == len(scene.things)
