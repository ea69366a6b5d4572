"""A page of a translation: alone, beside another model, beside another reading."""

from __future__ import annotations

import io
from html.parser import HTMLParser
from pathlib import Path

import pytest

import weft
from weft.aligning.inspecting import READINGS, is_reading, reading
from weft.aligning.sentence_pairs import cut, given_pairs
from weft.aligning.statistical_pairs import learn
from weft.alignment.settings import AlignmentSettings
from weft.base.errors import ConfigError, DataError, UnsupportedError
from weft.store.aligner import save_aligner
from weft.translating.translator import Translator

TEXT = "the red dog sleeps."
SETTINGS = AlignmentSettings(layer=0, heads=(0, 1), threshold=0.2)


def test_a_page_saves_itself_whole(tiny: Translator, tmp_path: Path) -> None:
    page = weft.inspect(TEXT, to="fr", model=tiny)
    page.save(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == page.html
    assert page.html.startswith("<!DOCTYPE html>")
    with pytest.raises(DataError, match=r"no.page\.html: wanted to write a page, got: .*; choose another place"):
        page.save(tmp_path / "no" / "page.html")


def test_a_notebook_gets_the_page_in_a_frame_that_can_do_nothing_else(tiny: Translator) -> None:
    found: list[dict[str, str | None]] = []

    class Frames(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append({"tag": tag, **dict(attrs)})

    page = weft.inspect(TEXT, to="fr", model=tiny)
    Frames().feed(page._repr_html_())
    [frame] = found
    assert (frame["tag"], frame["srcdoc"], frame["sandbox"]) == ("iframe", page.html, "allow-scripts")


def test_another_model_stands_beside(tiny: Translator, tiny_folder: Path) -> None:
    one, other = weft.inspect(TEXT, to="fr", model=tiny, versus=tiny_folder).drawings
    assert (one.method, other.method) == (tiny.name, tiny_folder.name)
    assert [link[:2] for link in one.links] == [link[:2] for link in other.links]
    assert one.heat is not other.heat
    loaded = weft.inspect(TEXT, to="fr", model=tiny_folder, versus=tiny, target="le chien").drawings
    assert [drawing.target for drawing in loaded] == ["le chien", "le chien"]


def test_another_reading_of_the_same_stands_beside(tiny: Translator) -> None:
    for versus in ("unshifted", AlignmentSettings(layer=0, heads=(0, 1), threshold=0.2, shift=False)):
        one, other = weft.inspect(TEXT, to="fr", model=tiny, versus=versus).drawings
        assert one.target == other.target
        assert other.heat is not None
        assert other.heat.chosen == SETTINGS.model_copy(update={"shift": False})
        assert (one.method, other.method) == (f"{tiny.name}: as the model is set", f"{tiny.name}: shift off")
    same = weft.inspect(TEXT, to="fr", model=tiny, versus="shifted").drawings[1]
    assert same.method == f"{tiny.name}: the same"
    heads = weft.inspect(TEXT, to="fr", model=tiny, versus="heads=1,decision=argmax,norm-weighted").drawings[1]
    assert heads.method == f"{tiny.name}: heads 1, norm weighting on, decision argmax"


def test_a_statistical_aligner_stands_beside(tiny: Translator, tmp_path: Path) -> None:
    aligner = learn(cut(given_pairs([("the red dog sleeps .", "le chien rouge dort .")]), "given"))
    save_aligner(tmp_path / "saved", aligner)
    target = "le chien rouge dort."
    for versus, name in ((aligner, "statistical aligner"), (tmp_path / "saved", "statistical aligner saved")):
        one, other = weft.inspect(TEXT, to="fr", model=tiny, target=target, versus=versus).drawings
        assert (one.method, other.method) == (tiny.name, name)
        assert (other.source, other.target, other.heat) == (one.source, one.target, None)
        assert other.links
        assert name in weft.inspect(TEXT, to="fr", model=tiny, target=target, versus=versus).html


def test_readings_are_names_and_settings() -> None:
    for name, changes in READINGS.items():
        assert is_reading(name)
        assert reading(name, SETTINGS) == SETTINGS.model_copy(update=changes)
    found = reading("unshifted, layer=3,heads=5+2,threshold=0.4", SETTINGS)
    assert found == AlignmentSettings(layer=3, heads=(2, 5), threshold=0.4, shift=False)
    assert not is_reading("en-fr")
    assert not is_reading("runs/best")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("shifted,mutal", "unknown reading 'mutal'; did you mean mutual?"),
        ("layr=2", "unknown key layr; did you mean layer?"),
        ("layer=two", "layer: input should be a valid integer.*got 'two'; change it"),
        ("heads=1+1", r"heads must be different and not negative, got \[1, 1\]; name each head once"),
    ],
)
def test_wrong_readings_say_what_is_meant(text: str, message: str) -> None:
    assert is_reading(text)
    with pytest.raises(ConfigError, match=f"versus '{text.replace('+', '[+]')}': .*{message}"):
        reading(text, SETTINGS)


def test_figures_are_of_either_drawing(tiny: Translator) -> None:
    page = weft.inspect(TEXT, to="fr", model=tiny, versus="unshifted")
    for figure in (page.plot(), page.plot(1), page.plot_heads(1)):
        figure.savefig(io.BytesIO(), format="png")
    with pytest.raises(
        UnsupportedError, match="no heads to plot, since nothing was translated; pass a text with words"
    ):
        weft.inspect("—", to="fr", model=tiny).plot_heads()
