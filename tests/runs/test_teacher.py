"""Teachers: links of the training pairs, by whoever gives them, reach a head that then shows them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.training.tiny import recipe, traces, write_corpora

from weft.alignment.settings import AlignmentSettings
from weft.alignment.words import given_words, words
from weft.base.errors import ConfigError, DataError
from weft.data.guidance import WordLinks, bounds_in_bytes
from weft.runs.recipe import AlignmentConfig, PairSource
from weft.runs.teacher import Lesson, word_links
from weft.runs.trainer import train
from weft.store.folder import load
from weft.store.links import read_links, write_links

PAIR = {"from": "en", "to": "fr"}
STATISTICAL = AlignmentConfig(teacher="statistical")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_corpora(tmp_path)
    return tmp_path


def pairs(data: Path, name: str = "a.tsv") -> list[tuple[str, str]]:
    lines = (data / name).read_text(encoding="utf-8").splitlines()
    return [(source, target) for source, target in (line.split("\t") for line in lines)]


def source(**keys: Any) -> PairSource:
    return PairSource.model_validate({"path": "a.tsv", **PAIR, **keys})


def links(found: WordLinks, row: int) -> list[list[int]]:
    return found.links[row].reshape(-1, 2).tolist()


def diagonal(text: str) -> list[list[int]]:
    return [[i, i] for i in range(len(text.split()))]


def test_the_statistical_teacher_finds_the_words_of_a_word_for_word_text(data: Path) -> None:
    lesson = Lesson(source(), pairs(data))
    found = word_links(STATISTICAL, [lesson], data)
    right = [links(found, row) == diagonal(text) for row, (text, _) in enumerate(lesson.pairs)]
    assert np.mean(right) > 0.9
    text = lesson.pairs[3][1]
    assert found.target[3].tolist() == bounds_in_bytes(text, given_words(text)).tolist()


def test_a_text_read_in_both_directions_is_learnt_once_and_its_links_are_turned(data: Path) -> None:
    there = Lesson(source(), pairs(data))
    back = Lesson(
        source(**{"from": "fr", "to": "en", "columns": [1, 0]}), [(target, text) for text, target in there.pairs]
    )
    found = word_links(STATISTICAL, [there, back], data)
    alone = word_links(STATISTICAL, [there], data)
    for row in range(len(there.pairs)):
        assert links(found, row) == links(alone, row)
        assert sorted(links(found, row)) == sorted([i, j] for j, i in links(found, row + len(there.pairs)))


def test_given_links_belong_to_their_pairs(data: Path) -> None:
    wanted = pairs(data)
    lines = [" ".join(f"{i}-{i}" for i in range(0, len(text.split()), 2)) for text, _ in wanted]
    (data / "a.links").write_text("\n".join(lines) + "\n", encoding="utf-8")
    given = AlignmentConfig(teacher="given", words="given")
    kept = [wanted[7], wanted[2]]
    found = word_links(given, [Lesson(source(links_path="a.links"), kept)], data)
    assert [links(found, row) for row in range(2)] == [diagonal(text)[::2] for text, _ in kept]
    shouted = [(text.upper(), target.upper()) for text, target in kept]
    found = word_links(given, [Lesson(source(links_path="a.links", case="upper"), shouted)], data)
    assert links(found, 1) == diagonal(kept[1][0])[::2]


def test_given_links_that_do_not_fit_are_refused(data: Path) -> None:
    given = AlignmentConfig(teacher="given", words="given")
    with pytest.raises(ConfigError, match=r"a\.tsv: .* wants links_path, got none; name the links file"):
        word_links(given, [Lesson(source(), pairs(data))], data)
    with pytest.raises(ConfigError, match=r"got alignment.words = .weft.; set words = .given."):
        word_links(AlignmentConfig(teacher="given"), [Lesson(source(links_path="a.links"), [])], data)
    (data / "a.links").write_text("0-0\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"a\.links:2: wanted one line of links a pair of a\.tsv, got more or fewer"):
        word_links(given, [Lesson(source(links_path="a.links"), pairs(data))], data)
    (data / "a.links").write_text("0-97\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"a\.links:1: "):
        word_links(given, [Lesson(source(links_path="a.links"), pairs(data))], data)


def test_an_unknown_symmetrisation_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="grow-diga"):
        AlignmentConfig(teacher="statistical", symmetrise="grow-diga")


def test_links_survive_the_disk_and_a_damaged_file_is_named(data: Path) -> None:
    found = word_links(STATISTICAL, [Lesson(source(), pairs(data))], data)
    write_links(data / "run" / "links.safetensors", found)
    again = read_links(data / "run" / "links.safetensors")
    assert [links(again, row) for row in range(len(found))] == [links(found, row) for row in range(len(found))]
    (data / "bad").write_bytes(b"nothing")
    for name in ("bad", "none"):
        with pytest.raises(DataError, match=f"{name}: wanted the links that the run was started with"):
            read_links(data / name)


GUIDED: dict[str, Any] = {
    "alignment": {"teacher": "statistical", "weight": 0.5, "head": 1},
    "training": {"steps": 150, "learning_rate": 1e-2, "log_every": 25, "validate_every": 150, "checkpoint_every": 40},
}


def test_one_recipe_key_teaches_a_head_and_the_model_says_which(data: Path) -> None:
    assert train(recipe(**GUIDED), data / "run", data=data, device=torch.device("cpu"))
    lines = [json.loads(line) for line in (data / "run" / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    losses = [line["alignment_loss"] for line in lines if "alignment_loss" in line]
    assert losses[-1] < 0.8 * losses[0]
    for name in ("best", "last"):
        stored = load(data / "run" / name)
        assert stored.config.alignment == AlignmentSettings(layer=0, heads=(1,), null_competes=True)
        assert stored.config.model.alignment_head is not None


def test_a_guided_run_goes_on_bit_for_bit(data: Path) -> None:
    device, calls = torch.device("cpu"), iter(range(1000))
    assert train(recipe(**GUIDED), data / "whole", data=data, device=device)
    assert not train(recipe(**GUIDED), data / "cut", data=data, device=device, stop=lambda: next(calls) >= 57)
    assert train(recipe(**GUIDED), data / "cut", data=data, device=device, resume=True)
    assert traces(data / "cut") == traces(data / "whole")


def test_a_head_can_be_taught_to_a_model_that_had_none(data: Path) -> None:
    short = {"steps": 3, "validate_every": 3, "log_every": 3}
    device = torch.device("cpu")
    train(recipe(training=short), data / "plain", data=data, device=device)
    train(
        recipe(**{**GUIDED, "training": short}), data / "more", data=data, device=device, init=str(data / "plain/last")
    )
    assert load(data / "more" / "last").config.model.alignment_head is not None


def test_a_model_that_translates_both_ways_can_teach(data: Path) -> None:
    """Its links are its own; here only that they are read, by both directions, and fit the pairs."""
    both = [{"path": "a.tsv", **PAIR}, {"path": "a.tsv", "from": "fr", "to": "en", "columns": [1, 0]}]
    short = {"steps": 3, "validate_every": 3, "log_every": 3}
    first = recipe(data={"train": both}, training=short)
    train(first, data / "first", data=data, device=torch.device("cpu"))
    config = AlignmentConfig(teacher=str(data / "first" / "last"), symmetrise="union")
    lesson = Lesson(source(), pairs(data)[:7])
    found = word_links(config, [lesson], data)
    for row, (text, target) in enumerate(lesson.pairs):
        assert {i for i, _ in links(found, row)} == set(range(len(text.split())))
        assert {j for _, j in links(found, row)} == set(range(len(words(target))))


def test_a_model_of_one_direction_cannot_be_symmetrised(data: Path) -> None:
    train(recipe(training={"steps": 1}), data / "one", data=data, device=torch.device("cpu"))
    with pytest.raises(ConfigError, match="reverse"):
        word_links(AlignmentConfig(teacher=str(data / "one" / "last")), [Lesson(source(), pairs(data)[:3])], data)
