"""What a recipe reads: samples by the seed, corpora by weight, and a tokenizer that belongs to the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.training.tiny import recipe, write_corpora

from weft.base.errors import DataError
from weft.data.dropout import SubwordDropout
from weft.runs.data import TrainingData, read_training_data
from weft.runs.recipe import PairSource
from weft.training.team import Team

PAIR = {"from": "en", "to": "fr"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_corpora(tmp_path)
    return tmp_path


def read(folder: Path, *, resume: bool = False, **changed: Any) -> TrainingData:
    return read_training_data(recipe(**changed), folder / "run", folder, team=Team(), init=None, resume=resume)


def test_rows_are_a_seeded_sample_in_their_order(folder: Path) -> None:
    train = [{"path": "a.tsv", **PAIR, "rows": 53}]
    whole = read(folder, data={"train": [{"path": "a.tsv", **PAIR}]}).corpora[0].source_texts
    found = [read(folder, data={"train": train}, seed=seed).corpora[0].source_texts for seed in (7, 7, 8)]
    assert len(found[0]) == 53
    assert found[0] == found[1] != found[2]
    places = [whole.index(text) for text in found[0]]
    assert places == sorted(places)
    assert len(read(folder, data={"train": [{**train[0], "rows": 9999}]}).corpora[0]) == len(whole)


def test_two_line_aligned_files_are_pairs(folder: Path) -> None:
    (folder / "en.txt").write_text("the dog\nthe cat sleeps\n", encoding="utf-8")
    (folder / "fr.txt").write_text("le chien\nle chat dort\n", encoding="utf-8")
    data = read(folder, data={"train": [{"path": "en.txt", "target_path": "fr.txt", **PAIR}]})
    assert data.corpora[0].texts(1) == ("the cat sleeps", "le chat dort")
    assert data.files == {name: folder / name for name in ("en.txt", "fr.txt", "dev.tsv")}


def test_a_missing_target_side_is_named(folder: Path) -> None:
    with pytest.raises(DataError, match=r"none\.txt"):
        read(folder, data={"train": [{"path": "a.tsv", "target_path": "none.txt", **PAIR}]})


def test_one_file_may_hold_several_directions(folder: Path) -> None:
    back = {"path": "a.tsv", "from": "fr", "to": "en", "columns": [1, 0]}
    data = read(folder, data={"train": [{"path": "a.tsv", **PAIR}, back]})
    assert [corpus.name for corpus in data.corpora] == ["a.tsv en-fr", "a.tsv fr-en"]
    assert data.corpora[0].texts(3) == data.corpora[1].texts(3)[::-1]
    assert [corpus.tag for corpus in data.corpora] == [data.tokenizer.tag("fr"), data.tokenizer.tag("en")]


def test_dropout_cuts_words_anew_in_every_epoch(folder: Path) -> None:
    data = read(folder, tokenizer={"dropout": 0.5})
    assert isinstance(data.examples, SubwordDropout)
    one, other = (data.examples.example(3, epoch) for epoch in (0, 1))
    assert one.source.tolist() != other.source.tolist()
    assert data.tokenizer.decode(one.source.tolist()) == data.tokenizer.decode(other.source.tolist())


def test_a_resumed_run_keeps_its_tokenizer_and_a_new_one_makes_its_own(folder: Path) -> None:
    first = read(folder).tokenizer.vocabulary_size
    changed = {"tokenizer": {"vocabulary_size": 311}}
    assert read(folder, resume=True, **changed).tokenizer.vocabulary_size == first
    assert read(folder, **changed).tokenizer.vocabulary_size == 311 != first


def test_development_pairs_are_cut_to_the_first_rows(folder: Path) -> None:
    data = read(folder, validation={"rows": 3})
    lines = (folder / "dev.tsv").read_text(encoding="utf-8").splitlines()
    assert [f"{pair.source}\t{pair.target}" for pair in data.dev] == lines[:3]


def test_a_source_may_be_read_in_capitals(folder: Path) -> None:
    shouted = {"path": "a.tsv", **PAIR, "rows": 5, "case": "upper"}
    data = read(folder, data={"train": [{"path": "a.tsv", **PAIR}, shouted]})
    assert len(data.corpora[1]) == 5
    assert data.corpora[1].name == "a.tsv en-fr in upper case"
    assert all(text.isupper() for row in range(5) for text in data.corpora[1].texts(row))


def test_a_source_may_have_a_space_between_all_its_words(folder: Path) -> None:
    (folder / "joined.tsv").write_text("Tom's cat, (3.5).\tL'homme dort!\n", encoding="utf-8")
    data = read(folder, data={"train": [{"path": "joined.tsv", **PAIR, "words": "weft", "case": "lower"}]})
    assert data.corpora[0].texts(0) == ("tom's cat , ( 3.5 ) .", "l' homme dort !")
    with pytest.raises(ValueError, match="links_path counts the words as given, got words 'weft'; leave one of them"):
        PairSource.model_validate({"path": "a.tsv", **PAIR, "words": "weft", "links_path": "a.links"})


def test_both_directions_of_a_file_take_the_same_sample_of_it(folder: Path) -> None:
    there = {"path": "a.tsv", **PAIR, "rows": 53}
    back = {**there, "from": "fr", "to": "en", "columns": [1, 0], "case": "lower"}
    data = read(folder, data={"train": [{"path": "b.tsv", **PAIR}, there, back]})
    assert data.corpora[1].source_texts == data.corpora[2].target_texts
