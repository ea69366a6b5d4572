"""Sets that weft draws itself: by seed, with true captions, and trained on like any other."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import weft
from weft.base.errors import ConfigError
from weft.cli.app import app
from weft.data.scene_captions import is_true, names_all
from weft.data.scene_pictures import picture
from weft.data.scenes import scene
from weft.runs.data import file_names
from weft.runs.drawn import SAID, drawn, is_drawn
from weft.runs.pairs import captioned
from weft.runs.recipe import PairSource, read_recipe

RECIPE = """
[[data.train]]
path = "scenes:3"
rows = 13
from = "picture"
to = "en"

[[data.dev]]
path = "scenes:4"
rows = 3
from = "picture"
to = "en"

[tokenizer]
vocabulary_size = 300

[model]
width = 24
num_heads = 2
feedforward_width = 29
encoder_layers = 1
decoder_layers = 1

[model.source]
modality = "picture"
height = 16
width = 16
patch_height = 8
patch_width = 8

[training]
steps = 2
batch_tokens = 400
metric = "loss"
"""


def source(path: str = "scenes:3", **more: object) -> PairSource:
    return PairSource.model_validate({"path": path, "from": "picture", "to": "en", "rows": 5, **more})


def test_scenes_are_those_of_the_seed_with_captions_that_are_true() -> None:
    found = drawn(source(), side=31)
    assert [name for name, _, _ in found] == [f"scene {number}" for number in range(5)]
    for number, (_, pixels, captions) in enumerate(found):
        assert np.array_equal(pixels, picture(scene(3, number), side=31))
        assert len(captions) == SAID
        assert all(is_true(text, scene(3, number)) and names_all(text, scene(3, number)) for text in captions)
    assert [captions for _, _, captions in drawn(source(), side=7)] == [captions for _, _, captions in found]


def test_they_are_no_files_and_have_the_case_that_is_asked_for(tmp_path: Path) -> None:
    assert is_drawn(source())
    assert not is_drawn(source("captions.tsv"))
    assert file_names(source()) == []
    [first, *_] = captioned(source(case="upper"), tmp_path, side=16)
    assert first.captions == [text.upper() for text in drawn(source(), side=16)[0][2]]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (source("scenes:"), "scenes:: wanted scenes to draw, as path = .* got '' and rows 5; give a seed and a number"),
        (source("scenes:x"), "scenes:x: wanted scenes to draw, .* got 'x'"),
        (source(rows=None), "scenes:3: wanted scenes to draw, .* and rows None"),
    ],
)
def test_without_a_seed_or_a_number_nothing_is_drawn(asked: PairSource, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        drawn(asked, side=16)


def test_a_captioner_is_trained_on_them_without_any_file(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    (tmp_path / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    found = CliRunner().invoke(app, ["train", str(tmp_path / "recipe.toml"), "--out", str(tmp_path / "run")])
    assert found.exit_code == 0, found.stderr
    described = json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))
    assert described["data"] == {}
    translator = weft.load(tmp_path / "run" / "last")
    assert isinstance(translator.caption(picture(scene(5, 0))).text, str)


def test_the_recipe_of_the_captioner_that_ships_is_one() -> None:
    recipe = read_recipe(Path(__file__).parents[2] / "recipes" / "scenes-captioner.toml")
    assert all(is_drawn(one) for one in (*recipe.data.train, *recipe.data.dev))
    assert len({one.path for one in (*recipe.data.train, *recipe.data.dev)}) == 2
