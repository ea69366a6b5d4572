"""A page on which one alignment, or two side by side, can be looked at: one HTML file that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import torch

from weft.alignment.compare import only_here, twins
from weft.alignment.document import document, rounded
from weft.alignment.draw import Drawing, percent, woven
from weft.alignment.heat import Heat, coverage, entropy
from weft.alignment.link import Row, Span, rows
from weft.base.errors import ShapeError
from weft.base.shapes import Float, Tensor

_STYLES = ("page.css", "sentences.css", "heat.css", "media.css")
MANY = 24  # words from which the table is set closer
_SCRIPTS = ("elements.js", "systems.js", "layout.js", "sentences.js", "heads.js", "heat.js", "start.js")


def page(drawing: Drawing, versus: Drawing | None = None) -> str:
    """One self-contained HTML page: the pair with its links, the words as a table, and heat maps if there are any.

    With `versus`, another reading or another translation of the same source, both stand side by side, and links that
    only one of them has are marked. Text is escaped and never read as HTML; the page's policy lets no script run but
    its own and lets nothing be loaded. Raises ShapeError if the two are not drawings of one source.
    """
    drawings = [drawing] if versus is None else [drawing, versus]
    if versus is not None and (drawing.source, *drawing.source_words) != (versus.source, *versus.source_words):
        raise ShapeError(
            f"two drawings on a page must be of one source and its words, got {drawing.source[:40]!r} and "
            f"{versus.source[:40]!r}; translate the same text with both"
        )
    differs = _differences(drawings)
    return document(
        "page.html",
        title=drawing.title,
        note=drawing.note,
        styles=_STYLES,
        scripts=_SCRIPTS,
        data=_data(drawings, differs),
        parts={
            "count": str(len(drawings)),
            "panels": "".join(
                _panel(one, number, marks) for number, (one, marks) in enumerate(zip(drawings, differs, strict=True))
            ),
        },
    )


def _differences(drawings: Sequence[Drawing]) -> list[list[bool]]:
    """For each link of each drawing whether the other has it not; no link differs where there is no other."""
    if len(drawings) == 1:
        return [[False] * len(drawings[0].links)]
    left, right = drawings
    twin = twins(left.target_labels, right.target_labels)
    back = {there: here for here, there in twin.items()}
    return [only_here(left.links, right.links, twin), only_here(right.links, left.links, back)]


# Text, as HTML that says all there is to say without a script.


def _panel(drawing: Drawing, number: int, differs: Sequence[bool]) -> str:
    source_lang, target_lang = drawing.languages
    heading = f'<h2 class="method">{escape(drawing.method)}</h2>' if drawing.method else ""
    return (
        f'<section class="panel" id="panel-{number}" aria-label="{escape(drawing.method or drawing.title)}">{heading}'
        '<div class="pair">'
        f"{_sentence(drawing.source, drawing.source_words, lang=source_lang, label='Source')}"
        f"{_sentence(drawing.target, drawing.target_words, lang=target_lang, label='Translation')}"
        f'</div><div class="below"></div><div class="heat"></div>{_ledger(drawing, differs)}</section>\n'
    )


def _sentence(text: str, words: Sequence[Span], *, lang: str, label: str) -> str:
    language = f' lang="{escape(lang)}"' if lang else ""
    side = "source" if label == "Source" else "target"
    marked = woven(text, words, [f'<span class="word">{escape(text[slice(*span)])}</span>' for span in words])
    return f'<p class="sentence {side}"{language} dir="auto" role="group" aria-label="{label}">{marked}</p>'


def _ledger(drawing: Drawing, differs: Sequence[bool]) -> str:
    """The alignment as a table that needs no script: target word, its source words, and what is known of the word."""
    table = rows(drawing.alignment, drawing.source, drawing.target)
    if not table:
        return '<p class="ledger muted">There is no word.</p>'
    known: dict[str, list[str]] = {}
    if drawing.confidence is not None:
        known["sure"] = [percent(share) for share in drawing.confidence]
    if drawing.mass is not None:
        known["spread"] = [f"{places:.1f}" for places in entropy(drawing.mass).exp().tolist()]
    marks = dict(zip(drawing.alignment.links, differs, strict=True))
    of_word: dict[Span, list[bool]] = {}
    for link, own in marks.items():
        of_word.setdefault(link.target, []).append(own)
    place = {span: number for number, span in enumerate(drawing.target_words)}
    body = "".join(
        _entry(row, of_word.get(row.span, []), [column[place[row.span]] for column in known.values()]) for row in table
    )
    heads = "".join(f'<th scope="col">{name}</th>' for name in ("word", "came from", *known))
    many = " many" if len(table) > MANY else ""
    return (
        f'<table class="ledger{many}"><caption>Word by word</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
    )


def _entry(row: Row, differs: Sequence[bool], known: Sequence[str]) -> str:
    """A target word's line; `differs` says of each of its links whether only this drawing has it."""
    shares = [
        f'<span><bdi class="source{" differs" if own else ""}">{escape(word)}</bdi> {percent(share)}</span>'
        for (word, share), own in zip(row.sources, differs, strict=True)
    ]
    if row.unaligned >= 0.005:
        shares.append(f"<span>no word {percent(row.unaligned)}</span>")
    shares = shares or ["<span>no link</span>"]
    numbers = "".join(f"<td>{number}</td>" for number in known)
    return f'<tr><th scope="row"><bdi>{escape(row.target)}</bdi></th><td>{" ".join(shares)}</td>{numbers}</tr>'


# Numbers, for the script.


def _data(drawings: Sequence[Drawing], differs: Sequence[Sequence[bool]]) -> dict[str, object]:
    """What the script reads; weights that two drawings share are there once."""
    heats: list[Heat] = []
    places: list[int | None] = []
    for one in drawings:
        if one.heat is None:
            places.append(None)
            continue
        same = [place for place, other in enumerate(heats) if other.weights is one.heat.weights]
        places.append(same[0] if same and heats[same[0]].words is one.heat.words else len(heats))
        if places[-1] == len(heats):
            heats.append(one.heat)
    owners = [drawings[places.index(place)] for place in range(len(heats))]
    twin = twins(drawings[0].target_labels, drawings[-1].target_labels) if len(drawings) > 1 else {}
    return {
        "panels": [_numbers(*each) for each in zip(drawings, differs, places, strict=True)],
        "heats": [_weights(heat, owner) for heat, owner in zip(heats, owners, strict=True)],
        "twins": list(twin.items()),
    }


def _numbers(drawing: Drawing, differs: Sequence[bool], heat: int | None) -> dict[str, object]:
    """What the script knows of one drawing beside its text."""
    mass, chosen = drawing.mass, drawing.heat and drawing.heat.chosen
    return {
        "links": [[i, j, round(share, 4), int(own)] for (i, j, share), own in zip(drawing.links, differs, strict=True)],
        "unaligned": rounded(drawing.unaligned),
        "confidence": None if drawing.confidence is None else rounded(drawing.confidence),
        "coverage": None if mass is None else rounded(coverage(mass).tolist()),
        "spread": None if mass is None else rounded(entropy(mass).exp().tolist()),
        "heat": heat,
        "chosen": chosen and {"layer": chosen.layer, "heads": chosen.heads},
    }


def _weights(heat: Heat, drawing: Drawing) -> dict[str, object]:
    """Weights of all heads over tokens, and over words if they are known, with labels."""
    views = [{"name": "tokens", **_view(heat.weights, heat.rows, heat.columns)}]
    if heat.words is not None:
        views.insert(0, {"name": "words", **_view(heat.words, drawing.target_labels, drawing.source_labels)})
    return {"layers": heat.weights.shape[0], "heads": heat.weights.shape[1], "views": views}


def _view(weights: Float[Tensor, "l h t s"], down: Sequence[str], across: Sequence[str]) -> dict[str, object]:
    """All weights in one row as whole ten-thousandths; of each layer's heads and their mean the spread and coverage."""
    given = weights.detach().double().cpu()
    with_mean = torch.cat([given, given.mean(1, keepdim=True)], dim=1)  # l h t s -> l h+1 t s
    return {
        "rows": list(down),
        "columns": list(across),
        "weights": (given * 10_000).round().int().flatten().tolist(),
        "spread": rounded(entropy(with_mean).exp().flatten().tolist()),
        "coverage": rounded(coverage(with_mean).flatten().tolist()),
    }
