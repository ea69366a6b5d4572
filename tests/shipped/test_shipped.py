"""The model that ships: it translates, aligns, keeps digits, does not loop, and says where it comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import weft
from shipped import digits_kept, loops
from weft.store import names
from weft.store.verify import verify

SENTENCES = (Path(__file__).parent / "sentences.en.txt").read_text(encoding="utf-8").splitlines()
LONG = max(SENTENCES, key=len)


@pytest.fixture(scope="module")
def translator() -> weft.Translator:
    return weft.load(to="fr")


@pytest.fixture(scope="module")
def translations(translator: weft.Translator) -> list[str]:
    return [translation.text for translation in translator.translate(SENTENCES, to="fr")]


def test_the_children_in_the_garden_are_aligned(translator: weft.Translator) -> None:
    translation = translator.translate("The children are playing in the garden.", to="fr", align=True)
    assert translation.text == "Les enfants jouent dans le jardin."
    found = {
        (translation.source[slice(*link.source)], translation.text[slice(*link.target)])
        for link in translation.alignment or ()
    }
    assert {("children", "enfants"), ("playing", "jouent"), ("garden", "jardin")} <= found


def test_a_hundred_sentences_keep_their_digits_and_do_not_loop(translations: list[str]) -> None:
    assert len(translations) == 100
    assert all(translations)
    counts = [digits_kept(*pair) for pair in zip(SENTENCES, translations, strict=True)]
    assert sum(kept for kept, _ in counts) >= 0.95 * sum(wanted for _, wanted in counts)
    assert not [text for text in translations if loops(text)]


def test_the_first_text_of_a_long_sentence_streams_early(
    translator: weft.Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before 30 % of the work, counted in steps of the decoder, so that no clock decides."""
    model, steps = translator.decoder.model, [0]
    step = model.step

    def counted(*arguments: Any) -> Any:
        steps[0] += 1
        return step(*arguments)

    monkeypatch.setattr(model, "step", counted)
    first = next(steps[0] for piece in translator.stream(LONG, to="fr") if piece)
    steps[0] = 0
    pieces = list(translator.stream(LONG, to="fr"))
    assert first < 0.3 * steps[0]
    assert "".join(pieces) == translator.translate(LONG, to="fr").text


def test_it_is_listed_with_licence_data_and_scores_and_is_whole() -> None:
    listed = names.available()[0]
    assert (listed.name, [(pair.from_, pair.to) for pair in listed.languages]) == ("en-fr", [("en", "fr")])
    assert listed.size_bytes < 60e6
    assert listed.licence
    assert any("Tatoeba" in line for line in listed.data)
    assert any("tatoeba-test" in name for name in listed.scores)
    assert verify(listed.folder).ok
