import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest
import torch

from weft.alignment.draw import Drawing, Heat, fragment, page
from weft.alignment.link import Link, Unaligned, WordAlignment
from weft.alignment.settings import AlignmentSettings
from weft.alignment.words import words
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


def drawing(source: str = "The dog sleeps.", target: str = "Le chien dort.", heat: bool = True) -> Drawing:
    source_words, target_words = words(source), words(target)
    links = tuple(Link(i, j, 0.875) for i, j in zip(source_words, target_words, strict=False))
    weights = torch.randn(2, 3, len(target_words) + 1, 5, generator=torch.Generator().manual_seed(3)).softmax(-1)
    labels = ["<2fr>", *(target[slice(*span)] for span in target_words)]
    return Drawing(
        source,
        target,
        source_words,
        target_words,
        WordAlignment(links, tuple(Unaligned(span, 0.125) for span in target_words)),
        heat=Heat(weights, labels, list("abcde"), AlignmentSettings(layer=1, heads=(2,))) if heat else None,
        note="en-fr",
        languages=("en", "fr"),
    )


def data_of(html: str) -> dict[str, object]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.S)
    assert found
    loaded = json.loads(found[1])
    assert isinstance(loaded, dict)
    return loaded


def test_the_page_holds_pair_links_and_every_head() -> None:
    one = drawing()
    html = page(one)
    data = data_of(html)
    assert data["links"] == [[0, 0, 0.875], [1, 1, 0.875], [2, 2, 0.875], [3, 3, 0.875]]
    assert data["unaligned"] == [0.125] * 4
    heat = data["heat"]
    assert isinstance(heat, dict)
    assert one.heat is not None
    weights = torch.tensor(heat["weights"]).reshape(2, 3, 5, 5) / 10_000
    torch.testing.assert_close(weights, one.heat.weights, atol=6e-5, rtol=0)
    assert (heat["layers"], heat["heads"], heat["chosen"]) == (2, 3, {"layer": 1, "heads": [2]})
    sentences = [attributes for attributes in Elements(html).named("p") if attributes.get("dir") == "auto"]
    assert [(one["lang"], one["aria-label"]) for one in sentences] == [("en", "Source"), ("fr", "Translation")]
    assert '<bdi class="source">dog</bdi> 88 %' in html
    assert not re.search(r"<!--\w+-->", html)


def test_the_page_needs_nothing_but_itself_and_runs_no_script_but_its_own() -> None:
    html = page(drawing())
    assert not re.search(r"""(?:src|href)\s*=|url\(|@import|https?://(?!www\.w3\.org/2000/svg)""", html)
    script = html.rpartition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = Elements(html).named("meta")[1]["content"]
    assert policy == f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"


def test_hostile_text_is_shown_and_does_not_run() -> None:
    one = drawing(HOSTILE, HOSTILE)
    hostile = Drawing(
        one.source,
        one.target,
        one.source_words,
        one.target_words,
        one.alignment,
        Heat(torch.ones(1, 1, 1, 1), [HOSTILE], [HOSTILE]),
        title=HOSTILE,
        note=HOSTILE,
        languages=('"><script>', "fr"),
    )
    for html, scripts in ((page(hostile), 2), (fragment(hostile), 0)):
        elements = Elements(html)
        assert len(elements.named("script")) == scripts
        assert elements.named("img") == []
        assert not any(name.startswith("on") for _, attributes in elements.found for name in attributes)
        assert html.count("<!--data-->") == 0
    heat = data_of(page(hostile))["heat"]
    assert isinstance(heat, dict)
    assert heat["rows"] == [HOSTILE]
    shown = "".join(re.findall(r'<p class="sentence[^>]*>(.*?)</p>', page(hostile), re.S)[0])
    assert "".join(Elements(f"<b>{shown}").texts) == HOSTILE


def test_white_space_and_what_is_no_word_stays_in_place() -> None:
    text = "  a\t b\n"
    assert ">  a\t b\n</div>" in fragment(drawing(text, text, heat=False))
    assert (
        '<p class="sentence" lang="en" dir="auto" role="group" aria-label="Source">  <span class="word">a</span>\t '
        in page(drawing(text, text))
    )


def test_the_fragment_writes_the_best_source_word_over_each_word() -> None:
    html = fragment(drawing())
    assert [attributes["title"] for attributes in Elements(html).named("ruby")] == [
        "The 88 %, no word 12 %",
        "dog 88 %, no word 12 %",
        "sleeps 88 %, no word 12 %",
        ". 88 %, no word 12 %",
    ]
    assert "chien<rp>(</rp><rt" in html


def test_words_without_links_and_empty_texts_can_be_drawn() -> None:
    empty = Drawing("", "", [], [], WordAlignment())
    assert "There is no word." in page(empty)
    assert data_of(page(empty)) == {"links": [], "unaligned": [], "heat": None}
    alone = Drawing("", "Oui", [], [(0, 3)], WordAlignment((), (Unaligned((0, 3), 1.0),)))
    assert "no word 100 %" in page(alone)
    assert '<span title="no word">Oui</span>' in fragment(alone)


def test_labels_must_fit_the_weights() -> None:
    with pytest.raises(
        ShapeError, match=r"t, s = \[1, 2\], one label a row.*got \[1, 1, 2, 2\]; cut weights and labels"
    ):
        Heat(torch.ones(1, 1, 2, 2), ["a"], ["b", "c"])
