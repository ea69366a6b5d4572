"""The tables of docs/long-sources.md on encoders and documents, from `encoder_attention.py` and `documents.py`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def encoder_table(results: Path) -> str:
    """Time and memory of reading a source, a line a way; nothing where nothing was measured."""
    if not results.exists():
        return ""
    rows = json.loads(results.read_text(encoding="utf-8"))["results"]
    lines = [*_reading(rows, "encode", "reading a source"), "", *_reading(rows, "train", "training on it")]
    return "\n".join(lines) + "\n"


def document_table(results: Path) -> str:
    """What each way makes of documents, a line a way; nothing where nothing was measured."""
    if not results.exists():
        return ""
    found = json.loads(results.read_text(encoding="utf-8"))
    sets: dict[str, dict[str, Any]] = found["test_sets"]
    heads = "".join(f" {name}: BLEU | chrF | length | says twice | CPU |" for name in sets)
    lines = [
        f"{found['documents']} documents of {found['lines']} lines each:",
        "",
        f"| way |{heads}",
        "|---|" + "---:|" * 5 * len(sets),
    ]
    for way in next(iter(sets.values())):
        cells = (_scores(ways[way]) if way in ways else " not run |" + " |" * 4 for ways in sets.values())
        lines.append(f"| {way} |" + "".join(cells))
    return "\n".join(lines) + "\n"


def _scores(found: dict[str, Any]) -> str:
    of = found["documents"]
    return (
        f" {of['bleu']:.1f} | {of['chrf']:.1f} | {of['length_ratio']:.2f} | {found['with_a_4gram_twice']} | "
        f"{found['cpu_seconds']:.0f} s |"
    )


def _reading(rows: list[dict[str, Any]], what: str, title: str) -> list[str]:
    """Seconds and megabytes at each length."""
    found = {row["length"]: row["ways"] for row in rows if row["what"] == what}
    lengths = sorted(found)
    lines = [f"| {title} |" + "".join(f" {length:,} |" for length in lengths), "|---|" + "---:|" * len(lengths)]
    names = list(dict.fromkeys(name for ways in found.values() for name in ways))
    for name in names:
        cells = (_cell(found[length].get(name)) for length in lengths)
        lines.append(f"| {name} |" + "".join(cells))
    return lines


def _cell(way: dict[str, Any] | None) -> str:
    return " not run |" if way is None else f" {way['cpu_s']['median']:.3g} s, {way['peak_mb']:,.0f} MB |"
