"""Runs of models of several sources: what their sets must say, that they go on where they stopped, how they begin."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.training.tiny import recipe_keys, traces, write_corpora

from weft.base.errors import ConfigError, DataError
from weft.base.padded import pad
from weft.base.sources import Sources
from weft.base.validate import validate
from weft.models.crossing import FUSIONS
from weft.models.several import of_first_source, of_source_alone
from weft.runs.recipe import Recipe
from weft.runs.several_data import read_several_data
from weft.runs.trainer import train
from weft.store.folder import load
from weft.training.team import Team

CPU = torch.device("cpu")
PICTURE = {"modality": "picture", "height": 8, "width": 8, "patch_height": 4, "patch_width": 4}
SET = {"path": "three.tsv", "from": "en", "to": "fr", "columns": [0, 1], "sources": {"en": 0, "rev": 2}}
WITH_PICTURES = {**SET, "picture_list": "pictures.tsv", "pictures": "drawn"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`three.tsv`: English, French, English backwards, which every fourth row lacks; a picture for two rows in five."""
    folder = tmp_path_factory.mktemp("data")
    write_corpora(folder)
    (folder / "drawn").mkdir()
    generator, lines, listed = np.random.default_rng(3), [], []
    for number, line in enumerate((folder / "a.tsv").read_text(encoding="utf-8").splitlines()):
        source, target = line.split("\t")
        lines.append(f"{source}\t{target}\t{' '.join(reversed(source.split())) if number % 4 else ''}\n")
        if number % 5 < 2:
            listed.append(f"{number}\t{number % 7}.png\n")
    for number in range(6):  # 6.png is listed, but not there
        Image.fromarray(generator.integers(0, 256, (9, 11, 3)).astype(np.uint8)).save(
            folder / "drawn" / f"{number}.png"
        )
    (folder / "three.tsv").write_text("".join(lines), encoding="utf-8")
    (folder / "pictures.tsv").write_text("".join(listed), encoding="utf-8")
    return folder


def recipe(fusion: str = "parallel", rows: dict[str, Any] | None = None, **changed: Any) -> Recipe:
    """English, its reverse and a picture to French, in 12 updates."""
    keys = recipe_keys(
        tokenizer={"dropout": 0.0},
        training={"steps": 12, "validate_every": 6, "checkpoint_every": 6, "metric": "loss"},
        model={
            "fusion": fusion,
            "sources": {"en": {"required": True}, "rev": {"same_as": "en"}, "picture": {"reads": PICTURE}},
        },
    )
    own = {**WITH_PICTURES, **(rows or {})}
    keys["data"] = {"train": [own], "dev": [{**own, "rows": 7}], "withhold": {"rev": 0.3}, **changed.pop("data", {})}
    return validate(Recipe, {**keys, **{k: {**keys.get(k, {}), **v} for k, v in changed.items()}}, where="tiny")


@pytest.mark.parametrize("changes", [{}, {"tokenizer": {"dropout": 0.3}}])
def test_a_run_goes_on_where_it_stopped_to_the_bit(data: Path, tmp_path: Path, changes: dict[str, Any]) -> None:
    assert train(recipe(**changes), tmp_path / "whole", data=data, device=CPU)
    calls = iter(range(100))
    assert not train(recipe(**changes), tmp_path / "parts", data=data, device=CPU, stop=lambda: next(calls) == 6)
    assert train(recipe(**changes), tmp_path / "parts", data=data, device=CPU, resume=True)
    assert traces(tmp_path / "parts") == traces(tmp_path / "whole")


def test_sets_of_a_run_are_drawn_by_weight_and_temperature(data: Path, tmp_path: Path) -> None:
    small = {**WITH_PICTURES, "rows": 7, "weight": 3.0}
    changed = {"train": [WITH_PICTURES, small], "temperature": 2.0}
    read = read_several_data(recipe(data=changed), tmp_path, data, team=Team(), init=None, resume=False)
    visited, size = read.rows.draw(0), len(read.rows) - 7
    mass = np.sqrt([size, 3 * 7])
    assert (visited >= size).sum() == round(len(read.rows) * mass[1] / mass.sum())


def test_a_run_translates_its_development_rows(data: Path, tmp_path: Path) -> None:
    wanted = recipe(fusion="concat", training={"steps": 2, "metric": "bleu"}, validation={"samples": 2})
    assert train(wanted, tmp_path / "run", data=data, device=CPU)
    stored = load(tmp_path / "run" / "last")
    assert stored.config.about.scores.keys() == {"dev loss", "dev bleu", "dev chrf"}
    assert list(stored.config.model.sources) == ["en", "rev", "picture"]
    assert stored.config.pixels is not None
    assert stored.config.pixels.size == (8, 8)
    assert stored.config.alignment is not None  # found by the English of the development rows


@pytest.fixture(scope="module")
def text(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of text alone, as far as it is trained in four steps."""
    out = tmp_path_factory.mktemp("text") / "run"
    keys = recipe_keys(tokenizer={"dropout": 0.0}, training={"steps": 4, "metric": "loss"})
    keys["data"] = {"train": [{"path": "a.tsv", "from": "en", "to": "fr"}]}
    assert train(validate(Recipe, keys, where="tiny"), out, data=data, device=CPU)
    return out / "last"


@pytest.mark.parametrize("fusion", FUSIONS)
def test_a_model_of_one_source_with_a_name_is_that_source_alone(text: Path, fusion: str) -> None:
    weights = dict(load(text).model.named_parameters())
    named = of_first_source(weights, "en", fusion)
    assert any("en." in name for name in named)
    found = of_source_alone(named, "en", fusion)
    assert found.keys() == weights.keys()
    assert all(found[name] is weight for name, weight in weights.items())


@pytest.mark.parametrize("fusion", FUSIONS)
def test_a_text_model_is_where_several_sources_begin(data: Path, text: Path, tmp_path: Path, fusion: str) -> None:
    """With gates, which are closed, it is the text model to the bit; else without the other sources, unless a second
    attention that is new stands between."""
    still = {"steps": 1, "learning_rate": 1e-30}
    assert train(recipe(fusion, training=still), tmp_path / fusion, data=data, init=str(text), device=CPU)
    alone, several = load(text).model, load(tmp_path / fusion / "last").model
    source, target = pad([[5, 9, 2], [7, 2]]), torch.tensor([[5, 6, 7], [8, 9, 4]])
    patches = pad([[1] * 4] * 2)
    picture = type(patches)(torch.randn(2, 4, 3, 4, 4), patches.keep)
    with torch.no_grad():
        wanted = alone(source, target)
        together = several(Sources({"en": source, "rev": source, "picture": picture}), target)
        assert torch.equal(together, wanted) == (fusion == "gated")
        torch.testing.assert_close(
            several(Sources({"en": source}), target), wanted
        ) if fusion != "hierarchical" else None
        states = several.encoders.read("en", source).values
        assert torch.equal(states, alone.bridge(alone.encoder(source).values))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"alignment": {"teacher": "statistical"}},
            "a head is taught the links of one source, got a teacher and a model",
        ),
        ({"rows": {"sources": {}}}, "three.tsv: the model reads en, rev, picture, got a set that does not say which"),
        ({"rows": {"sources": {"en": 0, "rve": 2}}}, r"three.tsv: the model has no source rve; did you mean rev\?"),
        ({"rows": {"sources": {"rev": 2}}}, r"three.tsv:1: wanted the source en, got none; fill it in or drop the row"),
        ({"rows": {"pictures": None}}, r"three.tsv: rows name pictures, got no folder of them; add pictures = "),
        ({"rows": {"sources": {"en": 0, "picture": 1}}}, r"three.tsv:1: wanted a picture in .*drawn, got no file"),
        ({"data": {"withhold": {"en": 0.1}}}, "data.withhold: source en is required, so it cannot be withheld"),
        ({"data": {"withhold": {"de": 0.1}}}, "data.withhold: the model has no source de; known are"),
    ],
)
def test_what_cannot_be_trained_is_refused(changes: dict[str, Any], message: str, data: Path, tmp_path: Path) -> None:
    with pytest.raises((ConfigError, DataError), match=message):
        train(recipe(**changes), tmp_path / "run", data=data, device=CPU)


def test_an_empty_set_is_refused(data: Path, tmp_path: Path) -> None:
    shutil.copytree(data, tmp_path / "data")
    (tmp_path / "data" / "three.tsv").write_text("the dog\tthe dog\t\n", encoding="utf-8")
    wanted = recipe(data={"cleaning": {"keep_short_copies": 0}, "dev": []})
    with pytest.raises(DataError, match=r"three.tsv: wanted at least one row, got none; check files and cleaning"):
        train(wanted, tmp_path / "run", data=tmp_path / "data", device=CPU)
