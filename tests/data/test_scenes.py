"""Drawn scenes: what is placed is clear, what is said of it is true, and what is false is found out."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from weft.data.scene_captions import captions, claims, is_true, names_all, place_of
from weft.data.scene_pictures import TINTS, picture
from weft.data.scenes import (
    BACKGROUNDS,
    COLOURS,
    HELD_OUT,
    RELATIONS,
    Scene,
    Thing,
    holds,
    scene,
)
from weft.data.shapes import NAMES, distance

MANY = [scene(7, number) for number in range(151)]
BLUE = Thing("square", "blue", "large", x=0.3, y=0.5, radius=0.2, turn=0.0)
RED = Thing("circle", "red", "small", x=0.8, y=0.5, radius=0.1, turn=0.0)
IN = Thing("star", "green", "small", x=0.31, y=0.5, radius=0.1, turn=0.0)
ON = Thing("cross", "black", "small", x=0.3, y=0.68, radius=0.1, turn=0.0)


def of(*things: Thing, background: str = "white") -> Scene:
    return Scene(things, background, (1, 2))


def test_a_scene_is_decided_by_seed_and_number() -> None:
    assert scene(3, 5) == scene(3, 5)
    assert len({scene(3, number) for number in range(31)} | {scene(4, number) for number in range(31)}) == 62
    assert np.array_equal(picture(scene(3, 5)), picture(scene(3, 5)))


def test_everything_is_drawn_and_comes_together() -> None:
    things = [one for each in MANY for one in each.things]
    assert {one.colour for one in things} == set(COLOURS) == set(TINTS)
    assert {one.shape for one in things} == set(NAMES)
    assert {each.background for each in MANY} == set(BACKGROUNDS)
    assert {len(each.things) for each in MANY} == {1, 2, 3}
    found = {
        relation
        for each in MANY
        for one, other in combinations(range(len(each.things)), 2)
        for relation in RELATIONS
        if holds(relation, each.things, one, other) or holds(relation, each.things, other, one)
    }
    assert found == set(RELATIONS)


def test_every_colour_and_every_shape_has_a_part_in_what_is_held_out() -> None:
    assert {colour for colour, _ in HELD_OUT} == set(COLOURS)
    assert {shape for _, shape in HELD_OUT} == set(NAMES)


def test_held_out_combinations_are_in_no_seen_scene_and_in_every_other() -> None:
    def new(each: Scene) -> bool:
        return any((one.colour, one.shape) in HELD_OUT for one in each.things)

    assert not any(new(each) for each in MANY)
    assert all(new(scene(7, number, combinations="held-out")) for number in range(31))
    both = [new(scene(7, number, combinations="all")) for number in range(101)]
    assert 10 < sum(both) < 60


def test_between_two_things_something_always_holds_and_its_opposite_never_does() -> None:
    opposite = dict(zip(RELATIONS[::2], RELATIONS[1::2], strict=True))
    for each in MANY:
        for one, other in combinations(range(len(each.things)), 2):
            assert any(holds(relation, each.things, one, other) for relation in RELATIONS)
            for relation, contrary in opposite.items():
                ways = [
                    holds(name, each.things, a, b) for name, a, b in [(relation, one, other), (contrary, other, one)]
                ]
                assert ways[0] == ways[1]
                assert not (holds(relation, each.things, one, other) and holds(contrary, each.things, one, other))


def test_things_lie_within_the_picture_and_no_colour_lies_on_itself() -> None:
    for each in MANY:
        assert all(0 <= min(one.box) <= max(one.box) <= 1 for one in each.things)
        for one, other in combinations(range(len(each.things)), 2):
            if any(holds(relation, each.things, other, one) for relation in ("inside", "in front of")):
                assert each.things[one].colour != each.things[other].colour


@pytest.mark.parametrize("shape", NAMES)
def test_a_shape_fills_its_box_and_no_more(shape: str) -> None:
    x, y = np.meshgrid(np.linspace(-1.2, 1.2, 121), np.linspace(-1.2, 1.2, 121))
    inside = distance(shape, x, y) < 0
    assert inside[60, 60]
    assert max(abs(x[inside]).max(), abs(y[inside]).max()) == pytest.approx(0.95, abs=0.08)
    assert not inside[(abs(x) > 1.001) | (abs(y) > 1.001)].any()


def test_distances_are_those_of_geometry() -> None:
    x, y = np.array([0.0, 2.0, 0.0, 1.88]), np.array([0.0, 0.0, 1.0, 1.88])
    assert distance("circle", x, y) == pytest.approx([-1, 1, 0, np.hypot(1.88, 1.88) - 1])
    assert distance("square", x, y) == pytest.approx([-0.88, 1.12, 0.12, np.sqrt(2)])


def test_pixels_have_the_colour_of_the_thing_in_front() -> None:
    drawn = picture(of(BLUE, IN, RED), side=67)
    for thing in (IN, RED):
        middle = drawn[int(thing.y * 67), int(thing.x * 67)].astype(int)
        assert np.abs(middle - TINTS[thing.colour]).max() <= 15
    assert drawn.shape == (67, 67, 3)
    assert drawn[2, 2].min() > 225


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_a_picture_is_the_same_at_any_size(background: str) -> None:
    small, large = (picture(of(BLUE, ON, background=background), side=side).astype(float) for side in (64, 192))
    shrunk = large.reshape(64, 3, 64, 3, 3).mean((1, 3))
    assert np.abs(shrunk - small).mean() < 6


def test_backgrounds_are_pale_and_different() -> None:
    drawn = {name: picture(of(RED, background=name), side=61)[:, :30].astype(float) for name in BACKGROUNDS}
    assert all(pixels.mean() > 175 for pixels in drawn.values())
    textured = {name for name, pixels in drawn.items() if pixels.std(axis=(0, 1)).max() > 4}
    assert textured == {"striped", "dotted", "checked", "speckled"}


def test_captions_are_true_complete_and_various() -> None:
    rng = np.random.default_rng(3)
    said = [(text, each) for each in MANY for text in captions(each, rng, count=5)]
    assert all(is_true(text, each) and names_all(text, each) for text, each in said)
    assert len({text for text, _ in said}) > 550
    assert sum(is_true(text, MANY[-1]) for text, each in said if each != MANY[-1]) < 8


@pytest.mark.parametrize(
    ("caption", "true"),
    [
        ("a large blue square left of a small red circle", True),
        ("a blue square left of a circle on a white background", True),
        ("a red circle right of a blue square", True),
        ("a small red circle left of a blue square", False),
        ("a red circle above a blue square", False),
        ("a large red circle right of a blue square", False),
        ("a red circle right of a blue circle", False),
        ("a blue square left of a blue square", False),
        ("a blue square left of a red circle on a striped background", False),
        ("a red circle right of a blue square and right of a green star", False),
        ("a red circle", True),
        ("a red circle on the right", True),
        ("a red circle in the top right corner", False),
        ("a red red circle", False),
        ("the red circle", False),
        ("a red circle right of", False),
        ("", False),
    ],
)
def test_a_caption_is_true_if_all_that_it_says_is(caption: str, true: bool) -> None:
    assert is_true(caption, of(BLUE, RED)) == true


@pytest.mark.parametrize(
    ("caption", "true"),
    [
        ("a green star inside a blue square and left of a red circle", True),
        ("a large blue square around a small green star and left of a red circle", True),
        ("a green star in front of a blue square", False),
        ("a green star around a blue square", False),
        ("a red circle right of a green star and right of a blue square", True),
    ],
)
def test_what_lies_inside(caption: str, true: bool) -> None:
    assert is_true(caption, of(BLUE, IN, RED)) == true


@pytest.mark.parametrize(
    ("caption", "true"),
    [
        ("a black cross in front of a blue square", True),
        ("a blue square behind a black cross", True),
        ("a blue square in front of a black cross", False),
        ("a black cross below a blue square", False),
        ("a black cross inside a blue square", False),
    ],
)
def test_what_overlaps(caption: str, true: bool) -> None:
    assert is_true(caption, of(BLUE, ON)) == true


def test_claims_are_all_that_is_said() -> None:
    found = claims("an orange star above a small black cross and behind a circle on a dotted background")
    assert found is not None
    assert [(one.size, one.colour, one.shape) for one in found.things] == [
        ("", "orange", "star"),
        ("small", "black", "cross"),
        ("", "", "circle"),
    ]
    assert (found.place, found.relations, found.background) == ("", ("above", "behind"), "dotted")
    assert claims("a dog on a beach") is None
    alone = claims("a small red star at the top on a grey background")
    assert alone is not None
    assert (alone.place, alone.background) == ("at the top", "grey")


def test_things_that_are_named_are_found() -> None:
    said = claims("a small red circle right of a green star and right of a blue square")
    assert said is not None
    assert said.found_in(of(BLUE, IN, RED)) == (2, 1, 0)
    assert said.found_in(of(BLUE, RED)) is None


def test_the_nine_places() -> None:
    assert [
        place_of(Thing("star", "red", "small", x, y, 0.1, 0.0)) for x, y in [(0.1, 0.1), (0.5, 0.5), (1.0, 0.9)]
    ] == [
        "in the top left corner",
        "in the middle",
        "in the bottom right corner",
    ]
