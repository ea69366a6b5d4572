"""Heat maps in the page: a cell a weight, other cells for another head, bars for what rows and columns add up to."""

from __future__ import annotations

import pytest
import torch
from tests.alignment import drawings
from tests.browser.conftest import Open, Opened

from weft.alignment.heat import Heat, coverage, entropy


def cells(found: Opened) -> list[float]:
    read = "(cells) => cells.map((cell) => Number(cell.getAttribute('fill-opacity')))"
    return found.page.eval_on_selector_all(".map .cells rect", read)


def weights(heat: Heat, layer: int, head: int) -> list[float]:
    assert heat.words is not None
    return heat.words[layer, head].flatten().tolist()


def chosen(found: Opened) -> str:
    return found.page.get_attribute(".thumb[aria-checked=true]", "aria-label").split(",")[0:2]


def test_the_map_shows_the_head_that_was_read_and_then_the_one_that_is_chosen(opened: Open) -> None:
    drawn = drawings.dog()
    found = opened(drawn)
    assert cells(found) == pytest.approx(weights(drawn.heat, 1, 2), abs=1e-4)
    found.page.focus(".thumb[aria-checked=true]")
    found.page.keyboard.press("ArrowUp")
    assert chosen(found) == ["Layer 0", " head 2"]
    assert cells(found) == pytest.approx(weights(drawn.heat, 0, 2), abs=1e-4)
    found.page.keyboard.press("ArrowLeft")
    assert found.focused() == "0 Layer 0, head 1"
    assert cells(found) == pytest.approx(weights(drawn.heat, 0, 1), abs=1e-4)
    found.page.click(".thumb >> nth=3")
    assert chosen(found) == ["Layer 0", " mean of its heads"]
    assert cells(found) == pytest.approx(drawn.heat.words[0].mean(0).flatten().tolist(), abs=1e-4)


def test_tokens_can_be_seen_instead_of_words(opened: Open) -> None:
    drawn = drawings.dog()
    found = opened(drawn)
    labels = "(texts) => texts.map((text) => text.textContent)"
    assert "<2fr>" not in found.page.eval_on_selector_all(".map text", labels)
    found.page.click("text='tokens'")
    assert cells(found) == pytest.approx(drawn.heat.weights[1, 2].flatten().tolist(), abs=1e-4)
    names = found.page.eval_on_selector_all(".map text", labels)
    assert names[: len(drawn.heat.rows) + len(drawn.heat.columns)] == [*drawn.heat.rows, *drawn.heat.columns]


def test_labels_stand_at_their_rows_and_columns(opened: Open) -> None:
    drawn = drawings.dog()
    found = opened(drawn)
    boxes, names = found.boxes(".map .cells rect"), found.boxes(".map > text")
    rows, columns = len(drawn.target_words), len(drawn.source_words)
    for row in range(rows):
        cell, label = boxes[row * columns], names[row]
        assert label["right"] <= cell["left"]
        assert (label["top"] + label["bottom"]) / 2 == pytest.approx((cell["top"] + cell["bottom"]) / 2, abs=3)
    for column in range(columns):
        assert names[rows + column]["bottom"] <= boxes[column]["top"] + 1
        assert names[rows + column]["left"] == pytest.approx(
            (boxes[column]["left"] + boxes[column]["right"]) / 2, abs=9
        )


def test_spread_and_coverage_of_the_shown_head_are_exact(opened: Open) -> None:
    drawn = drawings.dog()
    found = opened(drawn)
    one: torch.Tensor = drawn.heat.words[1, 2]
    spread = found.page.eval_on_selector_all(
        ".sums [data-spread]", "(all) => all.map((bar) => Number(bar.dataset.spread))"
    )
    read = found.page.eval_on_selector_all(".sums [data-read]", "(all) => all.map((bar) => Number(bar.dataset.read))")
    assert spread == pytest.approx(entropy(one).exp().tolist(), abs=1e-4)
    assert read == pytest.approx(coverage(one).tolist(), abs=1e-4)


def test_cells_can_be_walked_and_are_said(opened: Open) -> None:
    drawn = drawings.dog()
    found = opened(drawn)
    found.page.focus(".map")
    for key in ("ArrowDown", "ArrowDown", "ArrowRight"):
        found.page.keyboard.press(key)
    said = found.page.inner_text(".caption output")
    assert said.startswith(f"chien ← red {weights(drawn.heat, 1, 2)[1 * len(drawn.source_words) + 1]:.3f}")
    found.page.keyboard.press("Escape")
    assert found.page.inner_text(".caption output") == ""
