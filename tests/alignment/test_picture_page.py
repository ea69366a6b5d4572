"""The page of pictures as a file: it needs nothing else, and reads nothing as HTML."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace

import pytest
import torch
from tests.alignment import picture_drawings as drawings

from weft.alignment.picture_page import DrawnCaption, picture_page
from weft.base.errors import ShapeError


def test_it_holds_its_pictures_and_refers_to_nothing() -> None:
    one = drawings.scene()
    html = picture_page([one, replace(one, name="b.png")], title="Two", note="a model")
    assert html.count(base64.b64encode(one.file).decode()) == 2
    assert re.findall(r"""(?:src|href)=["'](?!data:)""", html) == []
    assert "url(" not in html
    [policy] = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-")
    assert policy.endswith("; img-src data:")


def test_words_and_probabilities_can_be_read_without_a_script() -> None:
    html = picture_page([drawings.scene(name="a scene")])
    assert ">a scene</figcaption>" in html
    assert "<h2>a red circle above a star</h2>" in html
    assert "<b><bdi>circle</bdi></b> <small>85 %</small>" in html
    assert 'alt="a red circle above a star"' in html


def test_text_is_never_html() -> None:
    text = '<img src=x> & "b"'
    hostile = DrawnCaption(text, -1.0, [(0, len(text))], [0.5], torch.full((1, 2, 2), 0.25))
    html = picture_page([replace(drawings.scene(name="</script><b>"), captions=(hostile,))], title="<i>", note="<u>")
    assert not re.search(r"<(?:i|u|img src=x)>|</script><b>", html)
    assert html.count("&lt;img src=x&gt; &amp; &quot;b&quot;") == 3


def test_numbers_are_shares_spread_and_what_is_nowhere() -> None:
    html = picture_page([drawings.scene()])
    [data] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', html)
    [found] = json.loads(data)
    assert (found["grid"], found["window"]) == ([drawings.ROWS, drawings.COLUMNS], [0, 0, 1, 1])
    best, other = (caption[0] for caption in found["captions"])
    assert sum(best["heat"]) == pytest.approx(1, abs=1e-2)
    assert (best["probability"], best["fields"], best["nowhere"]) == (0.99, 35, 0)
    assert other["nowhere"] == pytest.approx(0.2)
    assert best["spread"] == other["spread"], "of what is on the picture"
    even = replace(drawings.scene().captions[1], heat=torch.full((5, 2, 3), 1 / 6))
    html = picture_page([replace(drawings.scene(), captions=(even,))])
    assert '"spread":6.0' in html
    assert '"spread":0.0' in picture_page([replace(drawings.scene(), captions=(replace(even, heat=even.heat * 0),))])


def test_heat_must_be_one_map_a_word() -> None:
    with pytest.raises(ShapeError, match=r"a caption of 1 words wants as many .* got 1 and \[2, 3, 3\]; give one"):
        DrawnCaption("a", 0.0, [(0, 1)], [1.0], torch.zeros(2, 3, 3))
