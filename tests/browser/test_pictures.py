"""The page of pictures: where the veil lies and how clear it is, by pointer and by keyboard."""

from __future__ import annotations

from math import sqrt
from typing import Any

import pytest
from tests.alignment import picture_drawings as drawings
from tests.browser.conftest import Open, Opened

from weft.alignment.picture_page import picture_page

DARKEST = round(255 * 0.82)
READ = """(canvas) => {
  const copy = document.createElement("canvas");
  Object.assign(copy, { width: canvas.width, height: canvas.height });
  const pen = copy.getContext("2d", { willReadFrequently: true });
  pen.drawImage(canvas, 0, 0);
  return pen.getImageData(0, 0, copy.width, copy.height).data;
}"""
VEIL = f"""(number) => {{
  const canvas = document.querySelectorAll(".frame canvas")[number], {{ width, height }} = canvas;
  const pixels = ({READ})(canvas);
  return {{ width, height, opacity: getComputedStyle(canvas).opacity,
            alpha: Array.from({{ length: width * height }}, (_, place) => pixels[place * 4 + 3]) }};
}}"""
THUMBNAILS = f"""() => [...document.querySelector(".tiles").querySelectorAll("canvas")].map((canvas) => {{
  const pixels = ({READ})(canvas), start = (row, column) => 4 * (Math.floor(row) * canvas.width + Math.floor(column));
  return [[0.3, 0.36], [0.98, 0.02]].map(([down, across]) => start(down * canvas.height, across * canvas.width))
    .map((place) => pixels[place] + pixels[place + 1] + pixels[place + 2]);
}})"""
FOCUS = """() => {
  const at = document.activeElement, pictures = [...document.querySelectorAll(".picture")];
  if (at === document.body) return "page";
  const word = at.querySelector("b").textContent + (at.closest(".ranked") ? ", further" : "");
  return [pictures.indexOf(at.closest(".picture")), word];
}"""


@pytest.fixture
def two(opened_html: Open) -> Opened:
    """Two pictures; of the second one the model read a part."""
    return opened_html(picture_page([drawings.scene(side=256), drawings.scene(window=(0.125, 0.25, 0.875, 1.0))]))


def veil(found: Opened, number: int = 0) -> Any:
    found.page.wait_for_timeout(250)  # until it has faded in
    return found.page.evaluate(VEIL, number)


def place_of_clearest(seen: Any) -> tuple[float, float]:
    """Down and across, in fields of the heat map."""
    clear = [place for place, alpha in enumerate(seen["alpha"]) if alpha == min(seen["alpha"])]
    middles = [(place // seen["width"] + 0.5, place % seen["width"] + 0.5) for place in clear]
    down, across = (sum(axis) / len(clear) / 8 for axis in zip(*middles, strict=True))
    return down, across


def test_the_veil_lies_on_what_was_read_and_nowhere_else(two: Opened) -> None:
    images, veils = two.boxes(".frame img"), two.boxes(".frame canvas")
    assert veils[0] == pytest.approx(images[0], abs=1)
    width, height = (images[1][b] - images[1][a] for a, b in (("left", "right"), ("top", "bottom")))
    wanted = {
        "left": images[1]["left"] + width / 8,
        "right": images[1]["right"] - width / 8,
        "top": images[1]["top"] + height / 4,
        "bottom": images[1]["bottom"],
    }
    assert veils[1] == pytest.approx(wanted, abs=1)


def test_nothing_is_veiled_until_a_word_is_in_view(two: Opened) -> None:
    assert veil(two)["opacity"] == "0"
    two.page.hover(".tile:nth-of-type(3)")
    assert veil(two)["opacity"] == "1"
    assert veil(two, 1)["opacity"] == "0"
    two.page.mouse.move(5, 5)
    assert veil(two)["opacity"] == "0"


@pytest.mark.parametrize(("word", "row", "column"), [(3, 1, 2), (4, 2, 3), (6, 3, 5)])
def test_the_veil_is_clear_where_the_model_looked_and_dark_elsewhere(
    two: Opened, word: int, row: int, column: int
) -> None:
    two.page.hover(f".tile:nth-of-type({word})")
    seen = veil(two)
    assert (seen["width"], seen["height"]) == (8 * drawings.COLUMNS, 8 * drawings.ROWS)
    assert place_of_clearest(seen) == pytest.approx((row + 0.5, column + 0.5))
    assert min(seen["alpha"]) < 50
    even = 0.1 / (drawings.ROWS * drawings.COLUMNS)
    assert seen["alpha"][0] == pytest.approx(DARKEST * (1 - sqrt(even / (0.9 + even))), abs=1)
    assert seen["alpha"][-1] == seen["alpha"][0]


def test_a_thumbnail_shows_the_picture_as_it_was_seen(two: Opened) -> None:
    brightness = two.page.evaluate(THUMBNAILS)
    assert [red > 150 for red, _ in brightness] == [True] * 3 + [False] * 3, "the first three words are of the circle"
    assert all(corner < 240 for _, corner in brightness)
    assert two.page.evaluate("document.querySelector('.tile canvas').width") == 144


def test_tab_goes_from_caption_to_caption_and_from_picture_to_picture(two: Opened) -> None:
    reached = []
    for _ in range(5):
        two.page.keyboard.press("Tab")
        reached.append(two.page.evaluate(FOCUS))
    assert reached == [[0, "a"], [0, "a, further"], [1, "a"], [1, "a, further"], "page"]


def test_arrows_walk_the_words_and_the_word_in_focus_is_shown_and_said(two: Opened) -> None:
    two.page.keyboard.press("Tab")
    for _ in range(5):
        two.page.keyboard.press("ArrowRight")
    assert two.page.evaluate(FOCUS) == [0, "star"]
    assert place_of_clearest(veil(two)) == pytest.approx((3.5, 5.5))
    said = " ".join(two.page.inner_text(".readout").split())
    assert said == "star sure 64 %; looks at 1.9 of 35 fields"
    assert two.page.get_attribute(".tile.active", "aria-label") == "star, " + two.page.inner_text(".readout")[5:]
    for key, word in (("ArrowRight", "star"), ("Home", "a"), ("ArrowRight", "red"), ("End", "star")):
        two.page.keyboard.press(key)
        assert two.page.evaluate(FOCUS) == [0, word]
    two.page.keyboard.press("Shift+Tab")
    two.page.keyboard.press("Tab")
    assert two.page.evaluate(FOCUS) == [0, "star"], "a line is entered where it was left"


def test_further_captions_have_words_of_their_own(two: Opened) -> None:
    two.page.hover(".ranked .tile:nth-of-type(2)")
    assert place_of_clearest(veil(two)) == pytest.approx((3.5, 5.5))
    assert "20 % of its attention is on no place" in " ".join(two.page.inner_text(".readout").split())
    assert two.page.inner_text(".ranked .score") == "\u22120.50"


def test_enter_holds_a_word_and_escape_lets_it_go(two: Opened) -> None:
    two.page.keyboard.press("Tab")
    two.page.keyboard.press("ArrowRight")
    two.page.keyboard.press("Enter")
    two.page.hover(".tile:nth-of-type(6)")
    assert two.page.inner_text(".tile.active b") == "red"
    assert two.page.get_attribute(".tile.active", "aria-pressed") == "true"
    two.page.keyboard.press("Escape")
    two.page.hover(".tile:nth-of-type(5)")
    assert two.page.inner_text(".tile.active b") == "a"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_can_be_read_in_light_and_dark(opened_html: Open, scheme: str) -> None:
    found = opened_html(picture_page([drawings.scene()]), scheme=scheme)
    paper, ink = found.page.evaluate(
        "() => ['backgroundColor', 'color'].map((name) => getComputedStyle(document.body)[name])"
    )
    sums = [sum(int(part) for part in colour[4:-1].split(",")) for colour in (paper, ink)]
    assert abs(sums[0] - sums[1]) > 450
    assert (sums[0] > sums[1]) == (scheme == "light")


def test_small_pictures_are_shown_pixel_by_pixel_and_nothing_overflows_a_telephone(opened_html: Open) -> None:
    found = opened_html(picture_page([drawings.scene(), drawings.scene(side=256)]), width=360)
    rendering = found.page.evaluate(
        "() => [...document.querySelectorAll('img')].map((image) => getComputedStyle(image).imageRendering)"
    )
    assert rendering == ["pixelated", "auto"]
    assert found.page.evaluate("document.documentElement.scrollWidth") <= 360
