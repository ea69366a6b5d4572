"""Chromium as installed by the system, and pages of ours opened in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from weft.alignment.draw import Drawing
from weft.alignment.page import page

NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """A running browser. Without one the tests are skipped, except in continuous integration, where they fail."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    wanting = pytest.fail if os.environ.get("CI") else pytest.skip
    if path is None:
        wanting("no Chromium is installed; on Debian: apt-get install chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        wanting('playwright is not installed; run: pip install "weft[test]"')
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield running
        running.close()


@dataclass
class Opened:
    """A page in the browser, and what went wrong or out while it was open."""

    page: Any
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def boxes(self, selector: str) -> list[dict[str, float]]:
        """Where the elements stand, in the viewport."""
        return self.page.evaluate(
            """(selector) => [...document.querySelectorAll(selector)].map((element) => {
                 const { left, right, top, bottom } = element.getBoundingClientRect();
                 return { left, right, top, bottom };
               })""",
            selector,
        )

    def focused(self) -> str:
        """What has the focus, as people would call it: a side of the pair, a chooser, a thumbnail, the map."""
        return self.page.evaluate(
            """() => {
                 const at = document.activeElement, of = (name) => at.closest(name) !== null;
                 if (at === document.body) return "page";
                 const panel = at.closest(".panel").id.slice(-1) + " ";
                 if (of(".word")) return panel + (of(".source") ? "source " : "target ") + at.textContent;
                 if (of("fieldset")) return panel + at.closest("label").textContent;
                 return panel + at.getAttribute("aria-label").split(",").slice(0, 2).join(",").split(":")[0];
               }"""
        )

    def resize(self, width: int) -> None:
        self.page.set_viewport_size({"width": width, "height": 900})
        self.settle()

    def settle(self) -> None:
        """Waits until the page has laid itself out: observers run before the frame after the next."""
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


Open = Callable[..., Opened]


@pytest.fixture
def opened(opened_html: Open) -> Open:
    """Opens the page of one drawing or two, `width` pixels wide; complains at the end if the page did."""

    def open_(*drawings: Drawing, width: int = 1280, scheme: str = "light") -> Opened:
        return opened_html(page(*drawings), width=width, scheme=scheme)

    return open_


@pytest.fixture
def opened_html(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Opens a page of ours; complains at the end if it did, or asked for anything but what it holds."""
    contexts, pages = [], []

    def open_(html: str, *, width: int = 1280, scheme: str = "light") -> Opened:
        file = tmp_path / f"page-{len(pages)}.html"
        file.write_text(html, encoding="utf-8")
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme))
        found = Opened(contexts[-1].new_page())
        pages.append(found)
        found.page.on("console", lambda message: found.complaints.append(message.text))
        found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
        found.page.on("request", lambda request: found.requests.append(request.url))
        found.page.goto(file.as_uri())
        found.settle()
        return found

    yield open_
    for found in pages:
        assert found.complaints == []
        asked = [url for url in found.requests if not url.startswith("data:")]
        assert [url for url in asked if not url.startswith("file:")] == []
        assert len(asked) == 1, "the page is one file and asks for nothing more"
    for context in contexts:
        context.close()
