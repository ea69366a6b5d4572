"""The page as a whole: light and dark, on paper, without a script, in a notebook's frame."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.alignment import drawings
from tests.browser.conftest import Open, Opened

from weft.aligning.inspecting import Page
from weft.alignment.heat import Heat
from weft.alignment.page import page

COLOURS = """() => {
  const of = (selector, name) => getComputedStyle(document.querySelector(selector))[name];
  return { paper: of("body", "backgroundColor"), ink: of("body", "color"), muted: of("h1", "color"),
           thread: of(".pair path", "stroke"), differ: of("path.differs", "stroke"), cell: of(".cells rect", "fill") };
}"""


def luminance(colour: str) -> float:
    """Relative luminance of `rgb(r, g, b)` (WCAG 2.2)."""
    shares = [int(part) / 255 for part in colour[4:-1].split(",")]
    red, green, blue = (x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


def test_dark_and_light_are_different_and_both_can_be_read(opened: Open) -> None:
    pair = drawings.dog(), drawings.dog_otherwise()
    light, dark = (opened(*pair, scheme=scheme).page.evaluate(COLOURS) for scheme in ("light", "dark"))
    assert all(light[name] != dark[name] for name in light)
    assert luminance(light["paper"]) > 0.9 > 0.05 > luminance(dark["paper"])
    for colours in (light, dark):
        assert contrast(colours["ink"], colours["paper"]) > 10
        for name in ("muted", "thread", "differ"):
            assert contrast(colours[name], colours["paper"]) > 4.5, name


def test_a_change_of_scheme_repaints_the_thumbnails(opened: Open) -> None:
    found = opened(drawings.dog())
    picture = "document.querySelector('.thumb canvas').toDataURL()"
    light = found.page.evaluate(picture)
    found.page.emulate_media(color_scheme="dark")
    found.settle()
    assert found.page.evaluate(picture) != light


def test_paper_shows_pair_map_and_table_on_white(opened: Open) -> None:
    found = opened(drawings.dog(), scheme="dark")
    found.page.emulate_media(media="print", color_scheme="dark")
    assert found.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    for selector, shown in ((".pair", True), (".map", True), (".ledger", True), (".grid", False), (".readout", False)):
        assert found.page.is_visible(selector) == shown, selector


def test_without_a_script_text_and_table_are_there(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(page(drawings.dog()), encoding="utf-8")
    context = browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto((tmp_path / "page.html").as_uri())
    assert plain.inner_text(".target") == "Le chien rouge dort là."
    row = plain.inner_text("tbody tr:nth-of-type(4)")
    assert " ".join(row.split()) == "dort sleeps 60 % here 25 % no word 15 % 75 % 2.6"
    context.close()


def test_a_notebook_shows_the_page_in_a_frame(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "notebook.html").write_text("<!DOCTYPE html>" + Page((drawings.dog(),))._repr_html_(), encoding="utf-8")
    context = browser.new_context()
    found = Opened(context.new_page())
    found.page.on("console", lambda message: found.complaints.append(message.text))
    found.page.goto((tmp_path / "notebook.html").as_uri())
    frame = found.page.frame_locator("iframe")
    frame.locator(".target .word").nth(3).hover()
    assert frame.locator(".word.linked").all_inner_texts() == ["sleeps", "here"]
    assert found.complaints == []
    context.close()


@pytest.mark.parametrize("empty", ["both", "source", "target"])
def test_a_pair_without_words_is_a_page_too(opened: Open, empty: str) -> None:
    source, target = ("" if empty in ("both", side) else "Two words" for side in ("source", "target"))
    found = opened(drawings.drawing(source, target, []))
    assert found.page.evaluate("document.querySelectorAll('.map').length") == 0


def test_lines_are_broken_anew_for_paper_and_back(opened: Open) -> None:
    found = opened(drawings.forty(), drawings.forty(), width=1700)
    before = found.boxes(".line")
    found.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert max(box["right"] - box["left"] for box in found.boxes(".line")) <= 620
    found.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert found.boxes(".line") == before


def test_a_text_of_hundreds_of_words_opens(opened: Open) -> None:
    """Of many sentences most cells were never read; they take no room in the page."""
    words = 300
    source, target = (" ".join(f"{letter}{number}" for number in range(words)) for letter in "ab")
    one = drawings.drawing(source, target, [(number, number, 0.9) for number in range(words)])
    own = torch.eye(words).expand(drawings.LAYERS, drawings.HEADS, words, words)
    assert one.heat is not None
    found = opened(replace(one, heat=Heat(own, one.target_labels, one.source_labels, one.heat.chosen)))
    assert len(found.boxes(".cells rect")) == words
    assert len(found.boxes(".word")) == 2 * words
