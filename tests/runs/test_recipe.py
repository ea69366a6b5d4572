"""A recipe file: every wrong key and value is named with its place, and what was read is what is written."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from tests.training.tiny import recipe, recipe_keys

from weft.base.errors import ConfigError
from weft.data.clean import Cleaning
from weft.runs.recipe import as_toml, read_recipe

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.toml"))
PAIR = {"path": "a.tsv", "from": "en", "to": "fr"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path, recipe_keys())


def write(folder: Path, keys: dict[str, Any]) -> Path:
    path = folder / "tiny.toml"
    path.write_text(tomli_w.dumps(keys), encoding="utf-8")
    return path


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_the_recipes_that_ship_are_valid_and_survive_a_round_trip(path: Path, tmp_path: Path) -> None:
    found = read_recipe(path)
    assert read_recipe(write(tmp_path, as_toml(found))) == found


def test_a_round_trip_changes_nothing(tmp_path: Path) -> None:
    wanted = recipe(
        about={"name": "Ein „Modell“\t\\", "credits": ["one", "zwei"]},
        data={
            "train": [
                {**PAIR, "target_path": "b.txt.xz", "weight": 0.25, "rows": 11},
                {**PAIR, "to": "zh-Hant", "columns": [2, 0]},
            ],
            "cleaning": {"max_length_ratio": 1.5, "drop_copies": False},
        },
        training={"learning_rate": 1e-7, "betas": [0.5, 0.999], "ema": 0.9995, "patience": 3, "metric": "chrf"},
        preset="small",
        tensorboard=True,
    )
    assert read_recipe(write(tmp_path, as_toml(wanted))) == wanted


def test_what_toml_cannot_say_is_refused() -> None:
    kept = recipe()
    kept = kept.model_copy(update={"data": kept.data.model_copy(update={"cleaning": Cleaning(max_tokens=None)})})
    with pytest.raises(ConfigError, match="a recipe file cannot say None, got a recipe that does; give a number"):
        as_toml(kept)


def test_languages_are_those_of_the_targets_in_order() -> None:
    found = recipe(data={"train": [{**PAIR, "to": language} for language in ("fr", "es", "fr", "de")]})
    assert found.languages == ["fr", "es", "de"]


def test_the_model_is_the_preset_with_what_the_recipe_changes() -> None:
    config = recipe(preset="small", model={"width": 64}).model_config_for(777)
    assert (config.width, config.vocabulary_size, config.encoder_layers) == (64, 777, 1)
    assert (config.num_heads, config.norm) == (2, "layer")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"sede": 1}, r"unknown key sede; did you mean seed\?"),
        ({"training": {"stpes": 3}}, r"unknown key training\.stpes; did you mean steps\?"),
        ({"tokenizer": {"vocab_size": 300}}, r"unknown key tokenizer\.vocab_size; did you mean vocabulary_size\?"),
        ({"model": {"widht": 64}}, r"\[model\]: unknown key widht; did you mean width\?"),
        ({"data": {"cleaning": {"max_token": 9}}}, r"unknown key data\.cleaning\.max_token; did you mean max_tokens\?"),
        (
            {"data": {"train": [{**PAIR, "colums": [0, 1]}]}},
            r"unknown key data\.train\.0\.colums; did you mean columns",
        ),
        ({"data": {"train": [PAIR, {"path": "a", "to": "fr"}]}}, r"key data\.train\.1\.from is missing; add it"),
        ({"search": {"bam": 3}}, r"unknown key search\.bam; did you mean beam\?"),
        ({"model": {"vocabulary_size": 99}}, r"\[model\]: vocabulary_size is that of the tokenizer; set tokenizer\."),
    ],
    ids=lambda value: value.split(";")[0] if isinstance(value, str) else "",
)
def test_a_wrong_key_is_named_with_its_place_and_the_nearest_valid_one(
    tmp_path: Path, changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=rf"tiny\.toml: {message}"):
        read_recipe(write(tmp_path, recipe_keys(**changed)))


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"seed": -1}, "seed"),
        ({"preset": "enormous"}, "preset"),
        ({"tensorboard": "perhaps"}, "tensorboard"),
        ({"tokenizer": {"vocabulary_size": 299}}, "tokenizer.vocabulary_size"),
        ({"tokenizer": {"dropout": 1.0}}, "tokenizer.dropout"),
        ({"data": {"train": []}}, "data.train"),
        ({"data": {"temperature": 0.0}}, "data.temperature"),
        ({"data": {"train": [{**PAIR, "columns": [-1, 0]}]}}, "data.train.0.columns.0"),
        ({"data": {"train": [{**PAIR, "weight": 0.0}]}}, "data.train.0.weight"),
        ({"data": {"train": [{**PAIR, "rows": 0}]}}, "data.train.0.rows"),
        ({"training": {"steps": 0}}, "training.steps"),
        ({"training": {"steps": 1.5}}, "training.steps"),
        ({"training": {"batch_tokens": 0}}, "training.batch_tokens"),
        ({"training": {"accumulate": 0}}, "training.accumulate"),
        ({"training": {"learning_rate": 0.0}}, "training.learning_rate"),
        ({"training": {"learning_rate": float("inf")}}, "training.learning_rate"),
        ({"training": {"learning_rate": float("nan")}}, "training.learning_rate"),
        ({"training": {"schedule": "sawtooth"}}, "training.schedule"),
        ({"training": {"warmup_steps": -1}}, "training.warmup_steps"),
        ({"training": {"final_rate": 1.1}}, "training.final_rate"),
        ({"training": {"betas": [0.9, 1.0]}}, "training.betas.1"),
        ({"training": {"weight_decay": -0.1}}, "training.weight_decay"),
        ({"training": {"clip_norm": -1.0}}, "training.clip_norm"),
        ({"training": {"label_smoothing": 1.0}}, "training.label_smoothing"),
        ({"training": {"precision": "float8"}}, "training.precision"),
        ({"training": {"ema": 1.0}}, "training.ema"),
        ({"training": {"metric": "ter"}}, "training.metric"),
        ({"training": {"patience": -1}}, "training.patience"),
        ({"training": {"keep_checkpoints": 0}}, "training.keep_checkpoints"),
        ({"validation": {"beam": 0}}, "validation.beam"),
        ({"search": {"beam": 0}}, "search.beam"),
        ({"model": {"dropout": 1.0}}, r"\[model\]: dropout"),
        ({"model": {"num_heads": 3}}, r"\[model\]: width 16 is no multiple of num_heads 3"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_impossible_value_is_named_with_its_place(tmp_path: Path, changed: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=rf"tiny\.toml: {named}") as caught:
        read_recipe(write(tmp_path, recipe_keys(**changed)))
    assert "change it" in str(caught.value) or "set key_width" in str(caught.value)


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    keys = recipe_keys(training={"steps": 0, "learnig_rate": 1.0})
    with pytest.raises(ConfigError, match=r"training\.steps: .*; unknown key training\.learnig_rate; did you mean"):
        read_recipe(write(tmp_path, keys))


def test_settings_are_applied_over_the_file(file: Path) -> None:
    settings = [
        "training.steps=99", "training.schedule=cosine", "training.betas=[0.5, 0.6]", "about.name = Two words",
        "preset='tiny'", "tensorboard=true", "model.dropout=0.25", "validation.rows=3",
    ]  # fmt: skip
    found = read_recipe(file, settings)
    assert (found.training.steps, found.training.schedule, found.training.betas) == (99, "cosine", (0.5, 0.6))
    assert (found.about.name.strip(), found.preset, found.tensorboard) == ("Two words", "tiny", True)
    assert (found.model["dropout"], found.model["width"], found.validation.rows) == (0.25, 16, 3)
    assert found.training.learning_rate == recipe().training.learning_rate


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            "training.steps",
            r"--set wants key\.path=value, got 'training\.steps'; for instance --set training\.steps=1000",
        ),
        ("training.stpes=3", r"tiny\.toml with --set: unknown key training\.stpes; did you mean steps\?"),
        ("training.steps=0", r"tiny\.toml with --set: training\.steps: .* greater than 0, got 0"),
        ("seed.x=1", r"--set seed\.x=1: seed is no table; only values inside tables can be set"),
        ("data.train.path=x", r"--set data\.train\.path=x: train is no table"),
        ("=1", r"unknown key "),
    ],
)
def test_a_wrong_setting_is_named(file: Path, setting: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_recipe(file, [setting])


def test_a_setting_takes_text_whatever_is_in_it(file: Path) -> None:
    assert read_recipe(file, ["about.name=1 = 2 # three"]).about.name == "1 = 2 # three"
    assert read_recipe(file, ["about.licence=CC-BY-2.0"]).about.licence == "CC-BY-2.0"


def test_a_missing_file_and_one_that_is_no_toml(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"none\.toml: wanted a recipe, got: No such file or directory; copy one from"
    ):
        read_recipe(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("[training\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"bad\.toml: wanted TOML, got: .*line 1.*; mend the line it names"):
        read_recipe(tmp_path / "bad.toml")
    (tmp_path / "latin.toml").write_bytes("# Größe\n".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"latin\.toml: wanted TOML, got: .*utf-8"):
        read_recipe(tmp_path / "latin.toml")


def test_the_file_itself_is_not_changed(file: Path) -> None:
    before = file.read_bytes()
    read_recipe(file, ["seed=2"])
    assert file.read_bytes() == before
    assert tomllib.loads(before.decode("utf-8"))["seed"] == 7


def test_a_gist_wants_a_model_that_has_one() -> None:
    with pytest.raises(
        ConfigError, match=r"training.gist wants a transformer of one source and one width, got kind re"
    ):
        recipe(training={"gist": 1.0}, model={"kind": "recurrent"})
    with pytest.raises(ConfigError, match=r"encoder width 24 and width 16; leave it out"):
        recipe(training={"gist": 1.0}, model={"encoder": {"width": 24}, "tie": "target"})
    with pytest.raises(ConfigError, match=r"training.gist and alignment.teacher are one or the other, got both"):
        recipe(training={"gist": 1.0}, alignment={"teacher": "statistical"})
    with pytest.raises(ConfigError, match=r"training.reading_only wants training.gist above 0, which is all that is"):
        recipe(training={"reading_only": True})
    with pytest.raises(ConfigError, match=r"training.contrast wants training.gist above 0: it compares what the gists"):
        recipe(training={"contrast": 1.0})
