"""The page by keyboard: what Tab reaches in which order, what arrows do, what a word in focus shows."""

from __future__ import annotations

from tests.alignment import drawings
from tests.browser.conftest import Open, Opened

ONE_PANEL = ["source The", "target Le", "spread", "words", "Layer 1, head 2", "Layer 1, head 2"]


def tabs(found: Opened, times: int, key: str = "Tab") -> list[str]:
    reached = []
    for _ in range(times):
        found.page.keyboard.press(key)
        reached.append(found.focused())
    return reached


def highlighted(found: Opened, panel: int = 0) -> tuple[list[str], list[str]]:
    """The words that are active and those that are linked to them."""
    return found.page.evaluate(
        """(panel) => ["active", "linked"].map((name) =>
             [...document.querySelectorAll(`#panel-${panel} .word.${name}`)].map((word) => word.textContent))""",
        panel,
    )


def test_tab_goes_source_target_marks_view_heads_map_and_out(opened: Open) -> None:
    found = opened(drawings.dog())
    assert tabs(found, 6) == ["0 " + name for name in ONE_PANEL]
    assert tabs(found, 5, "Shift+Tab") == ["0 " + name for name in ONE_PANEL[-2::-1]]


def test_tab_goes_through_one_panel_after_the_other(opened: Open) -> None:
    found = opened(drawings.dog(), drawings.dog_otherwise())
    assert tabs(found, 12) == ["0 " + name for name in ONE_PANEL] + ["1 " + name for name in ONE_PANEL]


def test_tab_order_is_top_to_bottom_also_where_lines_are_interleaved(opened: Open) -> None:
    found = opened(drawings.forty(), width=390)
    tabs(found, 1)
    found.page.keyboard.press("End")
    assert found.focused().startswith("0 source")
    assert found.focused().endswith("39")
    assert tabs(found, 2)[0].startswith("0 target")


def test_a_word_in_focus_shows_its_links_and_says_them(opened: Open) -> None:
    found = opened(drawings.dog())
    tabs(found, 2)
    assert highlighted(found) == [["Le"], ["The"]]
    for _ in range(3):
        found.page.keyboard.press("ArrowRight")
    assert found.focused() == "0 target dort"
    assert highlighted(found) == [["dort"], ["sleeps", "here"]]
    said = found.page.inner_text(".readout")
    assert " ".join(said.split()) == "dort ← sleeps 60 % here 25 % no word 15 % sure 75 % spread over 2.6 words"
    bright = found.page.evaluate(
        """() => [...document.querySelectorAll('.pair path')]
             .filter((path) => path.style.opacity > 0.3).map((path) => path.dataset.ends)"""
    )
    assert sorted(bright) == ["3-3", "4-3"]
    found.page.keyboard.press("ArrowUp")
    assert found.focused() == "0 source sleeps"
    assert highlighted(found) == [["sleeps"], ["dort"]]


def test_pointing_shows_and_leaving_hides(opened: Open) -> None:
    found = opened(drawings.dog())
    found.page.hover(".target .word:nth-of-type(2)")
    assert highlighted(found) == [["chien"], ["dog"]]
    found.page.mouse.move(5, 5)
    assert highlighted(found) == [[], []]


def test_enter_holds_a_word_and_escape_lets_it_go(opened: Open) -> None:
    found = opened(drawings.dog())
    tabs(found, 2)
    found.page.keyboard.press("Enter")
    found.page.hover(".target .word:nth-of-type(2)")
    assert highlighted(found) == [["Le"], ["The"]]
    assert found.page.get_attribute(".word.active", "aria-pressed") == "true"
    found.page.keyboard.press("Escape")
    found.page.hover(".target .word:nth-of-type(3)")
    assert highlighted(found) == [["rouge"], ["red"]]


def test_arrows_follow_the_direction_of_the_script(opened: Open) -> None:
    found = opened(drawings.arabic())
    tabs(found, 2)
    found.page.keyboard.press("ArrowLeft")
    assert found.focused() == "0 target الكبير"
    boxes = found.boxes(".target .word")
    assert boxes[1]["right"] <= boxes[0]["left"] + 2


def test_a_word_in_one_panel_is_echoed_in_the_other(opened: Open) -> None:
    found = opened(drawings.dog(), drawings.dog_otherwise())
    found.page.hover("#panel-0 .source .word:nth-of-type(5)")
    assert highlighted(found, 0) == [["here"], ["dort"]]
    assert highlighted(found, 1) == [["here"], ["là"]]
    differing = found.page.evaluate(
        """() => [...document.querySelectorAll('path.differs')]
             .map((path) => path.closest('.panel').id + ' ' + path.dataset.ends)"""
    )
    assert differing == ["panel-0 4-3", "panel-1 4-4"]
    assert "5 links in both" in found.page.inner_text("#panel-0 .key")
    assert "1 only here" in found.page.inner_text("#panel-1 .key")


def test_choosing_a_mark_changes_what_hangs_from_the_target(opened: Open) -> None:
    found = opened(drawings.dog())
    marks = """() => [...document.querySelectorAll(".target .word")]
      .map((word) => Number(word.style.getPropertyValue("--mark")))"""
    spread = found.page.evaluate(marks)
    tabs(found, 3)
    found.page.keyboard.press("ArrowRight")
    assert found.focused() == "0 doubt"
    doubt = found.page.evaluate(marks)
    assert doubt != spread
    assert doubt == sorted(doubt), "the confidence falls from word to word"
    found.page.keyboard.press("ArrowRight")
    assert found.page.evaluate(marks)[4] == 1, "a word without a link came from no word"
