"""`weft align --tune`: which head of a model aligns, found on pairs alone and kept for the next time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from weft.cli.align_options import Options
from weft.cli.alignment_forms import Form
from weft.cli.machine import device_of, no_numbers
from weft.cli.options import Shared
from weft.cli.status import note

if TYPE_CHECKING:
    from weft.aligning.sentence_pairs import TextPair
    from weft.aligning.tuning import Tuned

FEW = 50
"""Pairs below which what is found may be chance."""


def tune(pairs: Iterator[TextPair], wanted: Options, shared: Shared) -> None:
    """Finds the head and says which it is, what it is worth, and where that is kept."""
    from weft.aligning import tuning

    assert wanted.model is not None
    no_numbers(shared, "align --tune", "heads are found in float32, and are those of int8 too")
    texts = ((pair.source, pair.target) for pair in pairs)
    found = tuning.tune(wanted.model, texts, to=wanted.to, from_=wanted.from_, device=device_of(shared))
    if found.kept is not None and found.num_pairs < FEW and not shared.quiet:
        note(f"found on {found.num_pairs} pairs; a few hundred would be surer")
    print(json.dumps(_to_json(found), ensure_ascii=False) if wanted.format is Form.json else _said(found))


def _said(found: Tuned) -> str:
    settings = found.choice.settings
    heads = ", ".join(map(str, settings.heads))
    if found.kept is None:
        return f"layer {settings.layer}, head {heads}: was taught to align and keeps its place"
    step = "one step late" if settings.shift else "while a word is written"
    best = found.choice.table[0]
    return (
        f"layer {settings.layer}, head {heads}, read {step}: association {best.score:.3f}, mutual links "
        f"{best.agreement:.1%}, on {found.num_pairs} pairs; kept in {found.kept}"
    )


def _to_json(found: Tuned) -> dict[str, object]:
    settings, table = found.choice.settings, found.choice.table
    return {
        "layer": settings.layer,
        "heads": list(settings.heads),
        "shift": settings.shift,
        "association": table[0].score if table else None,
        "agreement": table[0].agreement if table else None,
        "pairs": found.num_pairs,
        "file": None if found.kept is None else str(found.kept),
    }
