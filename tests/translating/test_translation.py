"""What a translator answers, as JSON, HTML and pictures."""

from __future__ import annotations

import warnings
from dataclasses import replace

import pytest

from weft.alignment.link import Link, Unaligned
from weft.alignment.page import page
from weft.base.errors import UnsupportedError
from weft.translating.translation import Hypothesis, Score, Translation
from weft.translating.translator import Translator

PLAIN = Translation(
    text="<b>le chien</b> & $x^2$",
    score=-0.5,
    log_probability=-1.5,
    source="the <dog>",
    from_="en",
    to="fr",
)
ALIGNED = replace(
    PLAIN,
    alignment=(Link((5, 8), (6, 11), 0.75),),
    unaligned=(Unaligned((3, 5), 1.0), Unaligned((6, 11), 0.125)),
    source_words=((0, 3), (5, 8)),
)


def test_json_has_the_keys_that_others_rely_on() -> None:
    assert PLAIN.to_json() == {
        "source": "the <dog>",
        "text": "<b>le chien</b> & $x^2$",
        "from": "en",
        "to": "fr",
        "score": -0.5,
        "log_probability": -1.5,
    }
    assert ALIGNED.to_json() == {
        **PLAIN.to_json(),
        "alignment": [{"source": [5, 8], "target": [6, 11], "probability": 0.75}],
        "unaligned": [{"target": [3, 5], "probability": 1.0}, {"target": [6, 11], "probability": 0.125}],
    }


def test_hypotheses_are_listed_where_several_were_asked_for() -> None:
    own = Hypothesis(PLAIN.text, PLAIN.score, PLAIN.log_probability)
    several = replace(PLAIN, hypotheses=(own, Hypothesis("le chat", -0.75, -2.0)), nbest=2)
    assert several.to_json()["hypotheses"] == [
        {"text": PLAIN.text, "score": -0.5, "log_probability": -1.5},
        {"text": "le chat", "score": -0.75, "log_probability": -2.0},
    ]
    assert "hypotheses" not in replace(PLAIN, hypotheses=(own,)).to_json()
    assert len(replace(PLAIN, hypotheses=(own,), nbest=3).to_json()["hypotheses"]) == 1


@pytest.mark.parametrize("translation", [PLAIN, ALIGNED])
def test_html_shows_text_as_text(translation: Translation) -> None:
    html = translation._repr_html_()
    assert "<b>" not in html
    assert "<dog>" not in html
    assert "&lt;b&gt;" in html
    assert "&amp;" in html
    assert "<script" not in html


def test_without_alignment_there_is_nothing_to_draw() -> None:
    for ask in (PLAIN.drawing, PLAIN.plot, lambda: PLAIN.word_alignment):
        with pytest.raises(UnsupportedError, match="this translation carries no alignment; translate with align=True"):
            ask()


def test_a_plot_is_a_figure(tiny: Translator) -> None:
    from matplotlib.figure import Figure

    texts = ["the red dog sleeps.", "The dog sleeps. The cat sings!", "", " \n ", "🙂 $x^2$ \u0301"]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # of fonts, on the machine
        for translation in (ALIGNED, *tiny.translate(texts, to="fr", align=True)):
            figure = translation.plot()
            assert isinstance(figure, Figure)
            figure.draw_without_rendering()


def test_words_that_run_together_when_joined_are_drawn_as_they_were_aligned(tiny: Translator) -> None:
    """Sentences that no white space parts: joined, the end of one and the start of the next may look like one word."""
    for text in ("the dog。the cat。", "x" * 311, "a" + "\u0301" * 211):
        found = tiny.translate(text, to="fr", align=True, beam=1)
        assert page(found.drawing())
        assert found._repr_html_()
    assert tiny.translate("the dog。the cat。", to="fr", align=True).plot() is not None


def test_a_translation_prints_as_its_text() -> None:
    assert str(PLAIN) == PLAIN.text
    assert Score(-1.5, 3).num_tokens == 3
