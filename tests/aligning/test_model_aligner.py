"""Models as aligners: which directions they can read, which languages are meant, and what is too long for them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.tiny import save_untrained
from tests.tiny_captioner import save_captioner

from weft.aligning.align import align
from weft.aligning.model_aligner import ModelAligner, model_aligner
from weft.aligning.sentence_pairs import TextPair, WordPair, cut
from weft.aligning.tuning import tune
from weft.aligning.two_ways import BOTH
from weft.alignment.settings import AlignmentSettings
from weft.base.errors import ConfigError, DataError, UnsupportedError
from weft.store.config import LanguagePair
from weft.store.folder import StoredModel, load
from weft.translating.translator import Translator

TEXTS = [
    ("the dog sleeps.", "le chien dort !"),
    ("the red dog", ""),
    ("x", "le chat noir tombe. été"),
    ("the cat", "le"),
]


def pairs(texts: list[tuple[str, str]] = TEXTS) -> list[WordPair]:
    return list(cut([TextPair(*text, f"file:{number}") for number, text in enumerate(texts, 1)], "given"))


def speaking(stored: StoredModel, *directions: str) -> StoredModel:
    """The same model, said to translate in these directions."""
    languages = tuple(LanguagePair(from_=one.split("-")[0], to=one.split("-")[1]) for one in directions)
    return replace(stored, config=stored.config.model_copy(update={"languages": languages}))


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> StoredModel:
    """An untrained model with tags for fr and rev."""
    return load(save_untrained(tmp_path_factory.mktemp("models") / "plain", kind="transformer"))


def test_languages_go_without_saying_where_there_is_no_choice(stored: StoredModel) -> None:
    alone = model_aligner(speaking(stored, "en-fr"))
    assert (alone.directions, alone.forward and alone.forward.to) == ({"forward"}, "fr")
    two = model_aligner(speaking(stored, "rev-fr"), speaking(stored, "en-rev", "fr-rev"))
    assert two.directions == BOTH
    assert (two.forward and two.forward.to, two.reverse and two.reverse.to) == ("fr", "rev")


def test_one_model_of_both_languages_aligns_both_ways(stored: StoredModel) -> None:
    both = speaking(stored, "rev-fr", "fr-rev")
    with pytest.raises(
        ConfigError, match="model plain translates rev-fr, fr-rev; say with from and to which languages"
    ):
        model_aligner(both)
    found = model_aligner(both, to="fr")
    assert found.directions == BOTH
    assert (found.forward and found.forward.to, found.reverse and found.reverse.to) == ("fr", "rev")


def test_directions_that_do_not_fit_are_named(stored: StoredModel) -> None:
    en_fr = speaking(stored, "en-fr")
    with pytest.raises(
        ConfigError, match="model plain translates en-fr, got a request for any-rev; choose one of these"
    ):
        model_aligner(en_fr, to="rev")
    with pytest.raises(
        ConfigError, match="wanted a reverse model that translates fr-en, got plain, which translates en-fr"
    ):
        model_aligner(en_fr, en_fr)


def test_in_reverse_the_texts_change_places(stored: StoredModel) -> None:
    there = model_aligner(speaking(stored, "rev-fr", "fr-rev"), to="fr")
    back = ModelAligner(there.reverse, there.forward)
    turned = back.two_ways([pair.turned for pair in pairs()], BOTH)
    for one, other in zip(there.two_ways(pairs(), BOTH), turned, strict=True):
        assert one.forward
        assert one.reverse
        assert other.forward
        assert other.reverse
        assert one.reverse.links == {(i, j) for j, i in other.forward.links}
        np.testing.assert_allclose(one.reverse.mass, other.forward.mass.T, atol=1e-6)
        np.testing.assert_allclose(one.forward.mass, other.reverse.mass.T, atol=1e-6)


def test_company_changes_nothing(stored: StoredModel) -> None:
    aligner = model_aligner(speaking(stored, "rev-fr", "fr-rev"), to="fr")
    together = list(aligner.two_ways(pairs(), BOTH))
    for pair, ways in zip(pairs(), together, strict=True):
        (alone,) = aligner.two_ways([pair], BOTH)
        assert alone.forward
        assert ways.forward
        assert ways.forward.mass.shape == (len(pair.target_words), len(pair.source_words))
        np.testing.assert_allclose(ways.forward.mass, alone.forward.mass, atol=1e-6)
        assert ways.forward.links == alone.forward.links


def test_only_the_directions_asked_for_are_read(stored: StoredModel) -> None:
    aligner = model_aligner(speaking(stored, "rev-fr", "fr-rev"), to="fr")
    (ways,) = aligner.two_ways(pairs()[:1], frozenset({"reverse"}))
    assert ways.forward is None
    assert ways.reverse is not None


def test_rules_can_be_changed(stored: StoredModel) -> None:
    aligner = model_aligner(stored, to="fr", decision="threshold", threshold=1.0)
    assert aligner.forward
    assert aligner.forward.settings.decision == "threshold"
    assert all(ways.forward and not ways.forward.links for ways in aligner.two_ways(pairs(), aligner.directions))


def test_the_words_are_those_of_the_pairs(tiny: Translator) -> None:
    aligner = model_aligner(tiny.stored, to="rev", layer=1, shift=False, decision="argmax")
    pair = TextPair("the dog sleeps.", "sleeps dog the.", "x")
    (of_given,) = aligner.two_ways(cut([pair], "given"), aligner.directions)
    (of_weft,) = aligner.two_ways(cut([pair], "weft"), aligner.directions)
    assert of_weft.links("forward") == {(0, 2), (1, 1), (2, 0), (3, 3)}
    assert of_given.links("forward") - {(0, 2), (2, 2)} == {(1, 1), (2, 0)}  # "the." came from "the" and from "sleeps."


def test_what_a_model_wrote_is_aligned_as_when_it_wrote_it(tiny: Translator) -> None:
    written = tiny.translate("the red dog sleeps.", to="fr", align=True)
    (pair,) = cut([TextPair(written.source, written.text, "x")], "weft")
    (ways,) = model_aligner(tiny.stored, to="fr").two_ways([pair], frozenset({"forward"}))
    places = (
        (pair.source_words.index(link.source), pair.target_words.index(link.target))
        for link in written.word_alignment.links
    )
    assert ways.links("forward") == frozenset(places)


def test_a_model_without_cross_attention_says_so(tmp_path: Path) -> None:
    model = load(save_untrained(tmp_path / "old", kind="recurrent"))
    with pytest.raises(UnsupportedError, match=r"model old has no cross-attention to align by \(it is a recurrent\)"):
        model_aligner(model, to="fr")


def test_a_model_of_pictures_says_so(tmp_path: Path) -> None:
    save_captioner(tmp_path / "seeing")
    with pytest.raises(UnsupportedError, match="model seeing reads a picture, and pairs are of texts; choose a model"):
        align([("a", "b")], model=tmp_path / "seeing")
    with pytest.raises(UnsupportedError, match="model seeing reads a picture, and pairs are of texts"):
        tune(tmp_path / "seeing", [("a", "b")])


def test_what_is_too_long_is_named(tmp_path: Path, stored: StoredModel, monkeypatch: pytest.MonkeyPatch) -> None:
    short = load(save_untrained(tmp_path / "short", kind="transformer", position="learned", max_length=13))
    aligner = model_aligner(short, to="fr")
    fits, long = pairs([("the dog " * 5, "le chien"), ("le", "xyz " * 7)])
    aligner.check(fits)
    with pytest.raises(
        DataError, match="file:2: wanted at most 12 tokens a side, which is as far as model short knows"
    ):
        aligner.check(long)
    monkeypatch.setattr("weft.aligning.model_aligner.MOST_CELLS", 17)
    with pytest.raises(DataError, match="file:1: wanted a sentence pair, at most 17 source times target tokens, got"):
        model_aligner(stored, to="fr").check(fits)


def test_settings_of_the_model_decide(stored: StoredModel) -> None:
    settings = AlignmentSettings(layer=1, heads=(1,), shift=False)
    other = replace(stored, config=stored.config.model_copy(update={"alignment": settings}))
    aligner = model_aligner(other, to="fr")
    assert aligner.forward
    assert aligner.forward.settings == settings
