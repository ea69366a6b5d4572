"""The page as text: what it holds, that it needs nothing else, that no text gets out of its place."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
import torch
from tests.alignment import drawings

from weft.alignment.draw import Drawing, fragment
from weft.alignment.heat import Heat, coverage, entropy
from weft.alignment.link import Unaligned, WordAlignment
from weft.alignment.page import MANY, page
from weft.base.errors import ShapeError

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)> <!--data--> \"'& \u2028 </p>"


class Elements(HTMLParser):
    """Every element with its attributes, and the text of each kind of element."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self.texts.append("")

    def handle_data(self, data: str) -> None:
        if self.texts:
            self.texts[-1] += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def data_of(html: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.S)
    assert found
    loaded = json.loads(found[1])
    assert isinstance(loaded, dict)
    return loaded


def test_the_page_holds_pair_links_and_every_head() -> None:
    one = drawings.dog()
    html = page(one)
    data = data_of(html)
    [panel], [heat] = data["panels"], data["heats"]
    assert [(i, j, pytest.approx(share, abs=1e-4)) for i, j, share, _ in panel["links"]] == one.links
    assert panel["unaligned"] == pytest.approx(one.unaligned, abs=1e-4)
    assert panel["chosen"] == {"layer": 1, "heads": [2]}
    assert (heat["layers"], heat["heads"]) == (drawings.LAYERS, drawings.HEADS)
    assert one.heat is not None
    for view, weights in zip(heat["views"], (one.heat.words, one.heat.weights), strict=True):
        shown = torch.tensor(view["weights"]).reshape(weights.shape) / 10_000
        torch.testing.assert_close(shown, weights, atol=6e-5, rtol=0)
        assert view["spread"][:-1] != []
    sentences = [attributes for attributes in Elements(html).named("p") if attributes.get("dir") == "auto"]
    assert [(one["lang"], one["aria-label"]) for one in sentences] == [("en", "Source"), ("fr", "Translation")]
    assert '<bdi class="source">dog</bdi> 70 %' in html
    assert "made by hand" in html
    assert not re.search(r"<!--\w+-->", html)


def test_entropy_and_coverage_are_of_every_head_and_of_the_mean() -> None:
    one = drawings.dog()
    assert one.heat is not None
    assert one.mass is not None
    data = data_of(page(one))
    assert data["panels"][0]["coverage"] == pytest.approx(coverage(one.mass).tolist(), abs=1e-4)
    assert data["panels"][0]["spread"] == pytest.approx(entropy(one.mass).exp().tolist(), abs=1e-4)
    tokens = data["heats"][0]["views"][1]
    num_rows, num_columns = one.heat.weights.shape[2:]
    spread = torch.tensor(tokens["spread"]).reshape(drawings.LAYERS, drawings.HEADS + 1, num_rows)
    read = torch.tensor(tokens["coverage"]).reshape(drawings.LAYERS, drawings.HEADS + 1, num_columns)
    mean = one.heat.weights.mean(1)
    torch.testing.assert_close(spread[:, -1].double(), entropy(mean).exp(), atol=1e-4, rtol=0)
    torch.testing.assert_close(read[:, 1].double(), coverage(one.heat.weights[:, 1]), atol=1e-4, rtol=0)


def test_the_page_needs_nothing_but_itself_and_runs_no_script_but_its_own() -> None:
    html = page(drawings.dog(), drawings.dog_otherwise())
    assert not re.search(r"""(?:src|href)\s*=|url\(|@import|https?://(?!www\.w3\.org/2000/svg)""", html)
    script = html.rpartition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = Elements(html).named("meta")[1]["content"]
    assert policy == f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"


def test_hostile_text_is_shown_and_does_not_run() -> None:
    hostile = replace(
        drawings.drawing(HOSTILE, HOSTILE, [(0, 0, 0.5)]),
        heat=Heat(torch.ones(1, 1, 1, 1), [HOSTILE], [HOSTILE]),
        title=HOSTILE,
        note=HOSTILE,
        method=HOSTILE,
        languages=('"><script>', "fr"),
    )
    for html, scripts in ((page(hostile), 2), (page(hostile, hostile), 2), (fragment(hostile), 0)):
        elements = Elements(html)
        assert len(elements.named("script")) == scripts
        assert elements.named("img") == []
        assert not any(name.startswith("on") for _, attributes in elements.found for name in attributes)
        assert html.count("<!--data-->") == 0
    assert data_of(page(hostile))["heats"][0]["views"][0]["rows"] == [HOSTILE]
    shown = "".join(re.findall(r'<p class="sentence[^>]*>(.*?)</p>', page(hostile), re.S)[0])
    assert "".join(Elements(f"<b>{shown}").texts) == HOSTILE


def test_white_space_stays_in_place() -> None:
    text = "  a\t b\n"
    assert '>  <span class="word">a</span>\t <span class="word">b</span>\n</p>' in page(
        drawings.drawing(text, text, [])
    )


def test_words_without_links_and_empty_texts_can_be_drawn() -> None:
    empty = Drawing("", "", [], [], WordAlignment())
    assert "There is no word." in page(empty)
    assert data_of(page(empty))["panels"][0]["links"] == []
    assert data_of(page(empty))["heats"] == []
    alone = Drawing("", "Oui", [], [(0, 3)], WordAlignment((), (Unaligned((0, 3), 1.0),)))
    assert "no word 100 %" in page(alone)
    unlinked = Drawing("Yes", "Oui", [(0, 3)], [(0, 3)], WordAlignment((), (Unaligned((0, 3), 0.0),)))
    assert "no link" in page(unlinked)


def test_what_is_not_known_is_not_shown() -> None:
    bare = replace(drawings.dog(), heat=None, mass=None, confidence=None)
    panel = data_of(page(bare))["panels"][0]
    assert [panel[name] for name in ("confidence", "coverage", "spread", "heat", "chosen")] == [None] * 5
    heads = re.findall(r'<th scope="col">(.*?)</th>', page(bare))
    assert heads == ["word", "came from"]
    assert re.findall(r'<th scope="col">(.*?)</th>', page(drawings.dog())) == [*heads, "sure", "spread"]


def test_a_long_table_is_set_closer() -> None:
    assert len(drawings.forty().target_words) > MANY
    assert 'class="ledger many"' in page(drawings.forty())
    assert 'class="ledger many"' not in page(drawings.dog())


def test_two_readings_stand_side_by_side_and_links_of_one_alone_are_marked() -> None:
    one, other = drawings.dog(), drawings.dog_otherwise()
    assert one.heat is not None
    html = page(one, replace(other, heat=one.heat))
    data = data_of(html)
    marked = [[(i, j) for i, j, _, differs in panel["links"] if differs] for panel in data["panels"]]
    assert marked == [[(4, 3)], [(4, 4)]]
    assert len(data["heats"]) == 1, "weights that both show are there once"
    assert [panel["heat"] for panel in data["panels"]] == [0, 0]
    assert '<bdi class="source differs">here</bdi> 25 %' in html
    assert '<h2 class="method">the other</h2>' in html
    assert [panel["heat"] for panel in data_of(page(one, other))["panels"]] == [0, 1]


def test_two_sources_are_not_compared() -> None:
    with pytest.raises(
        ShapeError, match=r"must be of one source.*'The red dog.*'The big house.*translate the same text"
    ):
        page(drawings.dog(), drawings.arabic())
