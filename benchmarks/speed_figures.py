"""The tables of docs/speed.md, from the JSON files under benchmarks/results."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

AGAINST, INT8 = "against.json", "int8.json"
THEIRS = "transformers float32"
PROGRAMS = ("weft float32", "weft int8", "CTranslate2 float32", "CTranslate2 int8")
LOOKING, ALIGNED = "transformers eager, attentions", "weft float32, aligned"


def tables(results: Path) -> str:
    """Speeds, then what int8 costs; what was not measured is not there."""
    parts = [read(_json(results / name)) for name, read in READERS.items() if (results / name).exists()]
    return "\n".join(parts)


def _json(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _against(found: dict[str, Any]) -> str:
    lines = [
        f"| model | sentences | source | beam | transformers, ms of CPU | {' | '.join(PROGRAMS)} | runs |",
        "|---|---|---|---|---|" + "---|" * (len(PROGRAMS) + 1),
        *map(_row, found["cells"]),
    ]
    around = found["surroundings"]
    machine, versions = around["machine"], around["versions"]
    lines += [
        "",
        "Times faster than transformers `generate` in float32. With attention, of one layer for every token:",
        "",
    ]
    lines += [
        "| model | beam | transformers eager, `output_attentions`, ms | weft with a record |",
        "|---|---|---|---|",
    ]
    lines += _looked(found["cells"])
    return "\n".join(lines) + (
        f"\n\n{machine['processor']}, one thread; torch {versions['torch']}, transformers {versions['transformers']}, "
        f"CTranslate2 {versions['ctranslate2']}; {around['date'][:10]}, `benchmarks/results/{AGAINST}`.\n"
    )


def _row(cell: dict[str, Any]) -> str:
    programs = cell["programs"]
    times = " | ".join(f"{programs[name]['times_transformers']['median']:.2f} ×" for name in PROGRAMS)
    shape, own = f"{cell['shape']} | {cell['batch']} | {cell['source']} | {cell['beam']}", programs[THEIRS]
    return f"| {shape} | {own['cpu_ms']['median']:,.0f} | {times} | {own['cpu_ms']['runs']} |"


def _looked(cells: list[dict[str, Any]]) -> Iterator[str]:
    for cell in cells:
        if LOOKING in cell["programs"]:
            theirs, ours = (cell["programs"][name]["cpu_ms"]["median"] for name in (LOOKING, ALIGNED))
            yield f"| {cell['shape']} | {cell['beam']} | {theirs:,.0f} | {theirs / ours:.2f} × |"


def _int8(found: dict[str, Any]) -> str:
    rows = [
        f"| {name} | {one['bleu']:.1f} | {one['chrf']:.1f} | {one['bytes'] / 1e6:.1f} MB | {one['cpu_seconds']:.1f} |"
        for name, one in (("float32", found["float32"]), ("int8", found["int8"]))
    ]
    difference = found["mean_absolute_difference_of_log_probability_a_token"]
    return "\n".join(
        [
            f"Shipped {found['model']['name']}, first {found['pairs']} pairs of Tatoeba test, beam {found['beam']}:",
            "",
            "| numbers | BLEU | chrF | weights in memory | CPU seconds |",
            "|---|---|---|---|---|",
            *rows,
            "",
            f"{found['same_translations']:.0%} of the translations are the same; the log-probability of a reference's "
            f"token differs by {difference:.3f} on average (`benchmarks/results/{INT8}`).",
            "",
        ]
    )


READERS = {AGAINST: _against, INT8: _int8}
