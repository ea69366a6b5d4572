"""A translation as lines of text, of JSON, or with links in the Pharaoh form."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from weft.translating.translation import Hypothesis, Translation

_ONE_LINE = str.maketrans("\r\n", "  ")


class Format(StrEnum):
    """How translations are written."""

    text = "text"
    json = "json"
    pharaoh = "pharaoh"
    table = "table"


def lines_of(translation: Translation, form: Format, *, nbest: int = 1) -> list[str]:
    """The lines of a translation without their ends: one for JSON, else exactly `nbest`, blank where there are fewer.

    A line break inside a text becomes a space, so that lines in and lines out stay side by side.
    """
    if form is Format.json:
        return [json.dumps(translation.to_json(), ensure_ascii=False)]
    one = _pharaoh if form is Format.pharaoh else _text
    hypotheses = translation.hypotheses or (translation,)
    found = [one(hypothesis, translation.source) for hypothesis in hypotheses[:nbest]]
    return found + [""] * (nbest - len(found))


def num_lines(form: Format, nbest: int) -> int:
    """How many lines a translation has."""
    return 1 if form is Format.json else nbest


def one_line(text: str) -> str:
    """The text with each line break as a space: as long as before, so spans still point to the same words."""
    return text.translate(_ONE_LINE)


def _text(hypothesis: Hypothesis, source: str) -> str:
    return one_line(hypothesis.text)


def _pharaoh(hypothesis: Hypothesis, source: str) -> str:
    from weft.alignment.link import WordAlignment, pharaoh
    from weft.alignment.words import given_words

    alignment = WordAlignment(hypothesis.alignment or (), hypothesis.unaligned or ())
    return f"{_text(hypothesis, source)}\t{pharaoh(alignment, given_words(source), given_words(hypothesis.text))}"
