"""`weft.align`: pairs in, alignments out, whoever aligns; and what is asked for that cannot be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.tiny import toy

import weft
from weft.aligning.align import aligned
from weft.aligning.model_aligner import model_aligner
from weft.aligning.sentence_pairs import TextPair, cut
from weft.aligning.statistical_pairs import learn
from weft.base.errors import ConfigError, DataError
from weft.store.aligner import save_aligner

PAIRS = [("the house", "la maison"), ("the book", "le livre"), ("", "x"), ("a book", "un livre"), ("a house", "")]


def test_a_model_aligns_in_its_direction(tiny: weft.Translator, tiny_folder: Path) -> None:
    pairs = [("the red dog", "le chien rouge"), ("", "le"), ("the cat", "")]
    found = weft.align(pairs, tiny, to="fr")
    assert [(one.source, one.target) for one in found] == pairs
    assert {one.symmetrisation for one in found} == {"forward"}
    assert found[0].pharaoh
    assert [one.pharaoh for one in found[1:]] == ["", ""]
    assert found[1].unaligned[0].probability == 1
    assert [one.pairs for one in weft.align(iter(pairs), str(tiny_folder), to="fr")] == [one.pairs for one in found]


def test_link_mass_and_the_mass_on_no_word_never_exceed_1(tiny: weft.Translator) -> None:
    for words in ("given", "weft"):
        for one in weft.align(PAIRS, tiny, to="fr", words=words) + weft.align(PAIRS, statistical=True, words=words):
            for rest in one.unaligned:
                links = sum(link.probability for link in one.links if link.target == rest.target)
                assert links + rest.probability <= 1 + 1e-6


def test_statistics_of_the_very_pairs_align_them() -> None:
    found = weft.align(PAIRS, statistical=True)
    assert [one.pharaoh for one in found] == ["0-0 1-1", "0-0 1-1", "", "0-0 1-1", ""]
    assert found[0].symmetrisation == "grow-diag"


def test_what_was_learnt_is_applied_to_other_pairs(tmp_path: Path) -> None:
    learnt = learn(cut([TextPair(*pair, "x") for pair in PAIRS], "given"))
    save_aligner(tmp_path / "aligner", learnt)
    other = [("the big house", "la grande maison"), ("new", "words")]
    by_object = [one.pairs for one in weft.align(other, statistical=learnt)]
    assert by_object == [one.pairs for one in weft.align(other, statistical=tmp_path / "aligner")]
    assert {(0, 0), (2, 2)} <= by_object[0]


@pytest.mark.parametrize("name", ["forward", "reverse", "intersection", "union", "grow-diag-final-and"])
def test_every_symmetrisation_can_be_chosen(name: str) -> None:
    found = weft.align(PAIRS, statistical=True, symmetrise=name)
    assert {one.symmetrisation for one in found} == {name}


def test_what_cannot_be_is_said(tiny: weft.Translator) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({}, "align wants either a model or statistical=True, got neither"),
        ({"model": tiny, "statistical": True}, "align wants either a model or statistical=True, got both"),
        ({"reverse_model": tiny, "statistical": True}, "a reverse model goes with a model, got one with statistical"),
        ({"model": tiny}, "model tiny translates en-fr, en-rev; say with from and to which languages"),
        (
            {"model": tiny, "to": "fr", "symmetrise": "union"},
            "got a model that aligns forward alone: reverse is missing",
        ),
        ({"model": tiny, "to": "fr", "symmetrise": "grow"}, "wanted a symmetrisation that there is, got 'grow'"),
        ({"statistical": True, "words": "mine"}, "words must be given or weft, got 'mine'"),
        ({"model": "nobody"}, "wanted a model that is there, got 'nobody'"),
    ]
    for options, message in wrong:
        with pytest.raises(ConfigError, match=message):
            weft.align(PAIRS, **options)
    with pytest.raises(DataError, match=r"pairs\[0\]: wanted a source and a target text"):
        weft.align(("the dog", "le chien"), statistical=True)  # type: ignore[arg-type]


def test_pairs_before_one_that_is_wrong_are_aligned_first(tiny: weft.Translator) -> None:
    def pairs() -> Iterator[TextPair]:
        yield from (TextPair("the dog", "le chien", f"f:{number}") for number in range(3))
        raise DataError("f:4: no good")

    found = aligned(cut(pairs(), "given"), model_aligner(tiny.stored, to="fr"))
    assert [next(found).source for _ in range(3)] == ["the dog"] * 3
    with pytest.raises(DataError, match="f:4: no good"):
        next(found)


def test_many_pairs_stay_in_order(tiny: weft.Translator) -> None:
    import random

    rng = random.Random(5)
    pairs = [(one.source, one.fr) for one in (toy(rng) for _ in range(601))]
    found = weft.align(pairs, tiny, to="fr")
    assert [(one.source, one.target) for one in found] == pairs
    assert found[-1].pairs == weft.align(pairs[-1:], tiny, to="fr")[0].pairs
