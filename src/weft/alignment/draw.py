"""An alignment to look at: a page that needs nothing but itself, and a fragment for notebooks."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files

from weft.alignment.link import Row, Span, WordAlignment, rows
from weft.alignment.settings import AlignmentSettings
from weft.base.errors import ShapeError
from weft.base.shapes import Float, Tensor

LONG = 90  # code points from which a sentence is set smaller


@dataclass(frozen=True)
class Heat:
    """What every layer and head read, `[l h t s]`, with a label a row (the decoder's input) and a column (the source).

    `chosen` marks the heads that the alignment was read from. The page holds all weights: about 3 bytes each.
    """

    weights: Float[Tensor, "l h t s"]
    rows: Sequence[str]
    columns: Sequence[str]
    chosen: AlignmentSettings | None = None

    def __post_init__(self) -> None:
        wanted = [len(self.rows), len(self.columns)]
        if self.weights.ndim != 4 or list(self.weights.shape[2:]) != wanted:
            raise ShapeError(
                f"weights must be [l h t s] with t, s = {wanted}, one label a row and a column, "
                f"got {list(self.weights.shape)}; cut weights and labels to the same tokens"
            )


@dataclass(frozen=True)
class Drawing:
    """A sentence pair and what is to be seen of it; `languages` are the codes of both texts, empty if unknown."""

    source: str
    target: str
    source_words: Sequence[Span]
    target_words: Sequence[Span]
    alignment: WordAlignment
    heat: Heat | None = None
    title: str = "Which word came from where"
    note: str = ""
    languages: tuple[str, str] = ("", "")


def page(drawing: Drawing) -> str:
    """One self-contained HTML page: the pair with its links, the words as a list, and heat maps if there are any.

    Text is escaped and never read as HTML; the page's policy lets no script run but its own and lets nothing be loaded.
    """
    template = files("weft.alignment").joinpath("page.html").read_text(encoding="utf-8")
    source_lang, target_lang = drawing.languages
    parts = {
        "policy": _policy(template),
        "title": escape(drawing.title),
        "note": escape(drawing.note),
        "source": _sentence(drawing.source, drawing.source_words, lang=source_lang, label="Source"),
        "target": _sentence(drawing.target, drawing.target_words, lang=target_lang, label="Translation"),
        "ledger": _ledger(rows(drawing.alignment, drawing.source, drawing.target)),
        "data": _data(drawing),
    }
    # In one pass, so that text cannot bring markers in.
    return re.sub(r"<!--(\w+)-->", lambda marker: parts[marker[1]], template)


def fragment(drawing: Drawing) -> str:
    """HTML without script for notebooks: the source, and the translation with the best source word over each word."""
    table = {row.span: row for row in rows(drawing.alignment, drawing.source, drawing.target)}
    words = [_annotated(drawing.target[slice(*span)], table.get(span)) for span in drawing.target_words]
    return (
        '<div style="max-width:60rem;margin:.5rem 0">'
        f'<div dir="auto" style="opacity:.7;white-space:pre-wrap">{escape(drawing.source)}</div>'
        f'<div dir="auto" style="font-size:1.25em;line-height:2.4;white-space:pre-line">'
        f"{_woven(drawing.target, drawing.target_words, words)}</div></div>"
    )


def _policy(template: str) -> str:
    """A content security policy under which the template's own script is the only one that runs."""
    script = template.rpartition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"


def _data(drawing: Drawing) -> str:
    """What the script reads, as JSON in which no `<` can end the element that holds it."""
    source = {span: index for index, span in enumerate(drawing.source_words)}
    target = {span: index for index, span in enumerate(drawing.target_words)}
    rest = {one.target: one.probability for one in drawing.alignment.unaligned}
    found = {
        "links": [
            [source[link.source], target[link.target], round(link.probability, 4)] for link in drawing.alignment.links
        ],
        "unaligned": [round(rest.get(span, 1.0), 4) for span in drawing.target_words],
        "heat": drawing.heat and _heat(drawing.heat),
    }
    return json.dumps(found, separators=(",", ":")).replace("<", "\\u003c").replace(">", "\\u003e")


def _heat(heat: Heat) -> dict[str, object]:
    """Labels, and all weights in one row as whole ten-thousandths."""
    return {
        "layers": heat.weights.shape[0],
        "heads": heat.weights.shape[1],
        "rows": list(heat.rows),
        "columns": list(heat.columns),
        "weights": (heat.weights.detach().double() * 10_000).round().int().flatten().tolist(),
        "chosen": heat.chosen and {"layer": heat.chosen.layer, "heads": heat.chosen.heads},
    }


def _sentence(text: str, words: Sequence[Span], *, lang: str, label: str) -> str:
    language = f' lang="{escape(lang)}"' if lang else ""
    size = " long" if len(text) > LONG else ""
    marked = _woven(text, words, [f'<span class="word">{escape(text[slice(*span)])}</span>' for span in words])
    return f'<p class="sentence{size}"{language} dir="auto" role="group" aria-label="{label}">{marked}</p>'


def _woven(text: str, words: Sequence[Span], shown: Sequence[str]) -> str:
    """The whole text as HTML with each word as it is to be shown, and what stands between the words as it is."""
    pieces, end = [], 0
    for (start, stop), html in zip(words, shown, strict=True):
        pieces += [escape(text[end:start]), html]
        end = stop
    return "".join(pieces) + escape(text[end:])


def _ledger(table: Sequence[Row]) -> str:
    """The alignment as a list that needs no script: target word, its source words, its share on no word."""
    if not table:
        return '<p class="muted">There is no word.</p>'
    return '<dl class="ledger">' + "".join(_entry(row) for row in table) + "</dl>"


def _entry(row: Row) -> str:
    shares = [f'<span><bdi class="source">{escape(word)}</bdi> {_percent(share)}</span>' for word, share in row.sources]
    if row.unaligned >= 0.005 or not shares:
        shares.append(f"<span>no word {_percent(row.unaligned)}</span>")
    return f"<div><dt><bdi>{escape(row.target)}</bdi></dt><dd>{' '.join(shares)}</dd></div>"


def _annotated(word: str, row: Row | None) -> str:
    """A target word with its best source word over it, fainter the less sure, and all its shares as a tooltip."""
    if row is None or not row.sources:
        return f'<span title="no word">{escape(word)}</span>'
    best, share = row.sources[0]
    shares = [f"{source} {_percent(part)}" for source, part in row.sources]
    shares += [f"no word {_percent(row.unaligned)}"] if row.unaligned >= 0.005 else []
    faint = f"opacity:{0.35 + 0.55 * share:.2f};font-size:.55em;padding:0 .35em;white-space:nowrap"
    return (
        f'<ruby title="{escape(", ".join(shares))}">{escape(word)}<rp>(</rp>'
        f'<rt style="{faint}">{escape(best)}</rt><rp>)</rp></ruby>'
    )


def _percent(share: float) -> str:
    return "&lt;1 %" if 0 < share < 0.005 else f"{share * 100:.0f} %"
