"""Alignments as text to write: a line each, or a page of HTML that may be left off after any pair."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from enum import StrEnum
from itertools import chain, islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from weft.aligning.aligned import Alignment

_HEAD = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Which word came from where</title>
<style>
body { max-width: 62rem; margin: 2rem auto; padding: 0 1rem; font: 16px/1.5 Georgia, serif; }
section { border-top: 1px solid #8884; padding: .75rem 0; overflow-x: auto; }
section h2 { font: .8rem/1 ui-sans-serif, system-ui, sans-serif; opacity: .6; margin: .25rem 0; }
</style>
<body>
<h1 style="font-size:1rem">Which word came from where: over each target word its best source word</h1>
"""
"""Ends with an open body, which HTML lets whoever reads the page close."""


class Form(StrEnum):
    """How alignments are written."""

    pharaoh = "pharaoh"
    json = "json"
    html = "html"


def pieces(alignments: Iterator[Alignment], form: Form) -> Iterator[str]:
    """What to write, without the last line end of each piece: in the forms of lines one piece an alignment."""
    return _WRITERS[form](alignments)


def _pharaoh(alignments: Iterator[Alignment]) -> Iterator[str]:
    return (alignment.pharaoh for alignment in alignments)


def _json(alignments: Iterator[Alignment]) -> Iterator[str]:
    return (json.dumps(alignment.to_json(), ensure_ascii=False) for alignment in alignments)


def _html(alignments: Iterator[Alignment]) -> Iterator[str]:
    """A page to look closely at one pair; several are shown one under the other."""
    first = list(islice(alignments, 2))
    if len(first) == 1:
        from weft.alignment.page import page

        yield page(first[0].drawing())
        return
    yield _HEAD
    for number, alignment in enumerate(chain(first, alignments), start=1):
        yield f'<section aria-label="Pair {number}"><h2>{number}</h2>{alignment._repr_html_()}</section>'


_WRITERS: dict[Form, Callable[[Iterator[Alignment]], Iterator[str]]] = {
    Form.pharaoh: _pharaoh,
    Form.json: _json,
    Form.html: _html,
}
