"""Links as drawn: each ends at its words after layout, and nothing runs out of the page."""

from __future__ import annotations

from typing import Any

import pytest
from tests.alignment import drawings
from tests.browser.conftest import Open, Opened

NEAR = 1.5  # pixels

THREADS = """() => [...document.querySelectorAll(".panel")].map((panel) => {
  const sides = [".source", ".target"].map((side) => [...panel.querySelectorAll(side + " .word")]);
  return [...panel.querySelectorAll(".pair path")].map((path) => {
    const [source, target] = path.dataset.ends.split("-").map(Number), matrix = path.getScreenCTM();
    const ends = [0, path.getTotalLength()].map((at) => path.getPointAtLength(at).matrixTransform(matrix));
    const rects = [[...sides[0][source].getClientRects()].pop(), sides[1][target].getClientRects()[0]];
    return {
      ends: ends.map(({ x, y }) => [x, y]), names: [source, target],
      opacity: Number(path.style.opacity), width: Number(path.getAttribute("stroke-width")),
      boxes: rects.map(({ left, right, top, bottom }) => ({ left, right, top, bottom })),
    };
  });
})"""


def threads(found: Opened, panel: int = 0) -> list[dict[str, Any]]:
    return found.page.evaluate(THREADS)[panel]


def check_ends(found: Opened, panel: int = 0) -> None:
    """Every thread ends in the middle of its words' nearer edges."""
    for thread in threads(found, panel):
        upper, lower = (
            thread["boxes"] if thread["boxes"][0]["top"] <= thread["boxes"][1]["top"] else thread["boxes"][::-1]
        )
        first, last = sorted(thread["ends"], key=lambda end: end[1])
        for (x, y), box, edge in ((first, upper, "bottom"), (last, lower, "top")):
            assert x == pytest.approx((box["left"] + box["right"]) / 2, abs=NEAR), thread
            assert y == pytest.approx(box[edge], abs=NEAR), thread


@pytest.mark.parametrize("name", ["dog", "forty", "arabic", "long_word"])
def test_every_link_ends_at_its_words_at_any_width(opened: Open, name: str) -> None:
    drawn = getattr(drawings, name)()
    found = opened(drawn)
    assert sorted(thread["names"] for thread in threads(found)) == sorted([i, j] for i, j, _ in drawn.links)
    for width in (1280, 390, 760):
        found.resize(width)
        check_ends(found)


def test_both_panels_have_links_that_end_at_their_words(opened: Open) -> None:
    found = opened(drawings.dog(), drawings.dog_otherwise())
    for width in (1280, 390):
        found.resize(width)
        check_ends(found, 0)
        check_ends(found, 1)


def test_the_likelier_a_link_the_wider_and_darker(opened: Open) -> None:
    drawn = drawings.dog()
    share = {(i, j): probability for i, j, probability in drawn.links}
    found = sorted(threads(opened(drawn)), key=lambda thread: share[tuple(thread["names"])])
    for key in ("width", "opacity"):
        values = [thread[key] for thread in found]
        assert values == sorted(values)
        assert len(set(values)) == len(values)


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", ["dog", "forty", "arabic", "long_word"])
def test_the_page_never_runs_out_of_the_window(opened: Open, name: str, width: int) -> None:
    found = opened(getattr(drawings, name)(), width=width)
    assert found.page.evaluate("document.documentElement.scrollWidth") <= width
    for box in found.boxes(".word"):
        assert box["left"] >= 0
        assert box["right"] <= width


def test_a_long_pair_is_set_in_systems_with_each_word_over_its_translation(opened: Open) -> None:
    """No word of the target stands on the lines of the source, and a word's own translation is in its system."""
    found = opened(drawings.forty(), width=1280)
    source, target = found.boxes(".source .line"), found.boxes(".target .line")
    assert len(source) == len(target) >= 3
    for (above, below), following in zip(zip(source, target, strict=True), [*source[1:], None], strict=True):
        assert above["bottom"] < below["top"]
        assert following is None or below["bottom"] < following["top"]
    apart = [thread for thread in threads(found) if thread["names"][0] == thread["names"][1]]
    reach = target[0]["top"] - source[0]["bottom"]
    assert sum(abs(one["ends"][1][1] - one["ends"][0][1]) < reach + 40 for one in apart) >= 36


def test_punctuation_begins_no_line(opened: Open) -> None:
    words = " ".join(["word,"] * 60)
    links = [(i, i, 0.9) for i in range(0, 120, 2)]
    found = opened(drawings.drawing(words, words, links), width=390)
    lines = found.page.evaluate("() => [...document.querySelectorAll('.line')].map((line) => line.textContent)")
    assert len(lines) > 10
    assert not [line for line in lines if line.startswith(",")]


def test_marks_stand_over_source_words_and_hang_from_target_words(opened: Open) -> None:
    found = opened(drawings.dog())
    marks = found.page.evaluate(
        """() => [".source", ".target"].map((side) => [...document.querySelectorAll(side + " .word")].map(
             (word) => parseFloat(getComputedStyle(word, "::after").height)))"""
    )
    read = drawings.dog().mass.sum(0)
    assert marks[0] == pytest.approx((16 * read / max(1.0, read.max())).tolist(), abs=0.6)
    assert marks[1][3] > marks[1][0] > 0, "the word with two sources is the most spread"
