"""What a model shows of a text: the links of `translate`, other readings of them, and the weights of every head."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.tiny import save_untrained

import weft
from weft.alignment.heat import Heat
from weft.alignment.settings import AlignmentSettings
from weft.base.errors import ConfigError, UnsupportedError
from weft.translating.translator import Translator
from weft.translating.views import forced, translated

TEXTS = ["the red dog sleeps.", "  the red dog sleeps.\n", "the dog sings. — the cat falls!\n\n the tree burns?"]


def heat_of(found: Heat | None) -> Heat:
    assert found is not None
    return found


@pytest.mark.parametrize("text", TEXTS)
def test_links_and_confidence_are_those_of_the_translation(tiny: Translator, text: str) -> None:
    found, translation = translated(tiny, text, to="fr").drawing(), tiny.translate(text, to="fr", align=True)
    assert (found.source, found.target) == (text, translation.text)
    assert found.alignment == translation.word_alignment
    assert found.confidence == [word.confidence for word in translation.words or ()]
    assert found.note.endswith("en to fr")


@pytest.mark.parametrize("text", TEXTS)
def test_links_are_taken_from_the_mass(tiny: Translator, text: str) -> None:
    """Read again from the weights of the forced translation, the links are the same, and none outweighs the mass."""
    view = translated(tiny, text, to="fr")
    own, again = view.drawing(), view.drawing(view.settings)
    assert [link[:2] for link in again.links] == [link[:2] for link in own.links]
    assert again.mass is not None
    for i, j, share in again.links:
        assert share == pytest.approx(float(again.mass[j, i]))
    assert (1 - again.mass.sum(1)).tolist() == pytest.approx(again.unaligned, abs=1e-6)


@pytest.mark.parametrize("text", TEXTS)
def test_every_row_of_heat_is_one_step_of_one_sentence(tiny: Translator, text: str) -> None:
    view = translated(tiny, text, to="fr")
    found = view.drawing()
    heat = heat_of(found.heat)
    total = heat.weights.sum(-1)
    torch.testing.assert_close(total, torch.ones_like(total), rtol=0, atol=1e-5)
    assert heat.rows.count("<2fr>") == heat.columns.count("</s>") == len(view.source.segments)
    assert heat.chosen == tiny.config.alignment
    assert heat.words is not None
    assert list(heat.words.shape[2:]) == [len(found.target_words), len(found.source_words)]
    chosen = heat.words[view.settings.layer, list(view.settings.heads)].mean(0)
    assert chosen.shape == (found.mass.shape if found.mass is not None else None)


def test_a_given_target_is_looked_at_as_if_it_had_been_written(tiny: Translator) -> None:
    text = "the red dog sleeps."
    free = translated(tiny, text, to="fr")
    given = forced(tiny, text, free.answers[0].text, to="fr").drawing()
    assert [link[:2] for link in given.links] == [link[:2] for link in free.drawing().links]
    assert given.confidence == pytest.approx(free.drawing().confidence, abs=1e-5)
    other = forced(tiny, text, "le chat", to="fr").drawing()
    assert (other.source, other.target, other.target_labels) == (text, "le chat", ["le", "chat"])


def test_another_reading_takes_its_links_from_other_heads(tiny: Translator) -> None:
    view = translated(tiny, "the red dog sleeps.", to="fr")
    settings = AlignmentSettings(layer=1, heads=(1,), decision="mutual")
    found = view.drawing(settings, method="mutual")
    assert found.method == "mutual"
    heat = heat_of(found.heat)
    assert (heat.chosen, heat.words is not None) == (settings, True)
    torch.testing.assert_close(found.mass, heat.words[1, 1] if heat.words is not None else None)
    assert len({i for i, _, _ in found.links}) == len({j for _, j, _ in found.links}) == len(found.links)
    by_norm = view.drawing(settings.model_copy(update={"norm_weighting": True}))
    assert by_norm.mass is not None
    assert not torch.equal(by_norm.mass, found.mass if found.mass is not None else by_norm.mass)


@pytest.mark.parametrize("text", ["", " \n", "— !"])
def test_a_text_that_says_nothing_stays_and_has_no_heads(tiny: Translator, text: str) -> None:
    found = translated(tiny, text, to="fr").drawing()
    assert (found.target, found.heat) == (text, None)
    assert found.mass is not None
    torch.testing.assert_close(found.mass, torch.eye(len(found.source_words), dtype=torch.double))


@pytest.mark.parametrize(("text", "target"), [("", "le chat"), ("the cat", ""), ("", "")])
def test_an_empty_side_has_no_links(tiny: Translator, text: str, target: str) -> None:
    found = forced(tiny, text, target, to="fr").drawing()
    assert found.links == []
    assert found.unaligned == [1.0] * len(found.target_words)


def test_layers_and_heads_that_are_not_there_are_refused(tiny: Translator) -> None:
    view = translated(tiny, "the dog", to="fr")
    for settings in (AlignmentSettings(layer=2, heads=(0,)), AlignmentSettings(layer=0, heads=(0, 2))):
        with pytest.raises(ConfigError, match=r"has decoder layers 0 to 1 of heads 0 to 1, got layer .*; choose among"):
            view.drawing(settings)


@pytest.mark.parametrize("kind", ["recurrent", "decoder_only"])
def test_kinds_without_cross_attention_are_refused(kind: str, tmp_path: Path) -> None:
    model = weft.load(save_untrained(tmp_path / kind, kind=kind))
    with pytest.raises(UnsupportedError, match="no cross-attention to align by"):
        translated(model, "the dog", to="fr")
    with pytest.raises(UnsupportedError, match="no cross-attention to align by"):
        forced(model, "the dog", "le chien", to="fr")
