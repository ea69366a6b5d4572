"""Examples of captions are chosen by what they show, and drawn dark where the model did not look."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from pathlib import Path

from tests.tiny_captioner import save_captioner

from scene_examples import WANTED, Example, drawn, examples, veiled
from weft.data.scene_captions import captions
from weft.data.scenes import scene
from weft.translating.loading import load


def test_a_model_that_says_nothing_true_shows_its_errors(tmp_path: Path) -> None:
    found = list(examples(load(save_captioner(tmp_path / "tiny")), count=5))
    assert [one.true for one in found] == [False] * 3
    assert len({one.scene.seed for one in found[:2]}) == 2
    figure = drawn(found)
    assert len(figure.axes) == 3 * 7
    assert found[0].caption.text in figure.axes[0].texts[0].get_text()


def test_each_layout_is_wanted_where_its_caption_is_true() -> None:
    scenes = [scene(5, number) for number in range(40)]
    rng = np.random.default_rng(1)
    told = [Example(one, type("Said", (), {"text": captions(one, rng)[0]})()) for one in scenes]
    layouts = [wanted for kind, wanted in WANTED[:5]]
    met = [[wanted(one) for wanted in layouts] for one in told]
    assert all(any(column) for column in zip(*met, strict=True))
    assert all(sum(row) <= 1 for row in met)
    assert not any(WANTED[5][1](one) for one in told)


def test_the_veil_leaves_the_hottest_place_as_it_is() -> None:
    pixels = np.full((2, 3, 3), 200, np.uint8)
    heat = np.array([[0.0, 0.25, 1.0]] * 2)
    seen = veiled(pixels, heat)
    assert (seen[:, 2] == 200).all()
    assert (seen[:, 0] < seen[:, 1]).all()
