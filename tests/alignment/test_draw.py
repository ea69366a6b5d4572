"""What can be drawn, and the fragment for notebooks."""

import re
from dataclasses import replace

import pytest
import torch
from tests.alignment import drawings

from weft.alignment.draw import Drawing, fragment
from weft.alignment.link import Unaligned, WordAlignment
from weft.base.errors import ShapeError


def test_links_are_numbered_and_words_are_labels() -> None:
    one = drawings.dog()
    assert [(i, j) for i, j, _ in one.links] == [(0, 0), (2, 1), (1, 2), (3, 3), (4, 3), (6, 5)]
    assert one.unaligned == pytest.approx([0.1, 0.3, 0.2, 0.15, 1.0, 0.0], abs=1e-6)
    assert one.source_labels == ["The", "red", "dog", "sleeps", "here", "today", "."]
    assert one.target_labels == ["Le", "chien", "rouge", "dort", "là", "."]


def test_the_fragment_writes_the_best_source_word_over_each_word() -> None:
    html = fragment(drawings.dog())
    titles = re.findall(r'<ruby title="(.*?)">', html)
    assert titles[0] == "The 90 %, no word 10 %"
    assert titles[3] == "sleeps 60 %, here 25 %, no word 15 %"
    assert "chien<rp>(</rp><rt" in html
    assert '<span title="no word">là</span>' in html


def test_the_fragment_keeps_what_is_no_word() -> None:
    text = "  a\t b\n"
    assert ">  a\t b\n</div>" in fragment(drawings.drawing(text, text, []))
    alone = Drawing("", "Oui", [], [(0, 3)], WordAlignment((), (Unaligned((0, 3), 1.0),)))
    assert '<span title="no word">Oui</span>' in fragment(alone)


def test_what_is_known_of_words_must_be_of_the_words_drawn() -> None:
    one = drawings.dog()
    with pytest.raises(ShapeError, match=r"mass must be \[j i\] = \[6, 7\].*got \[7, 6\]; read it over the words"):
        replace(one, mass=torch.zeros(7, 6))
    with pytest.raises(ShapeError, match=r"confidence must hold 6 numbers.*got 2; give it for the words"):
        replace(one, confidence=[0.5, 0.5])
