"""The tables of docs/alignment.md, from the JSON files of the aligners' benchmarks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DECISIONS = ("forward", "reverse", "intersection", "grow-diag", "grow-diag-or", "grow-diag-final-and")
"""What is shown of an aligner that offers more; thresholds on agreement, floors and others are shown too."""
STATISTICAL = {
    "aligners.json": "English–French, Hansards, 200,000 pairs",
    "aligners.full.json": "English–French, Hansards, all 809,596 pairs",
    "aligners.en-es.json": "English–Spanish",
}
NEURAL = {
    "neural_aligners.json": "English–French, Hansards",
    "neural_aligners.en-es.json": "English–Spanish",
}


def tables(results: Path) -> str:
    """All tables for which there are files, as Markdown."""
    parts = [
        part
        for name, title in STATISTICAL.items()
        if (results / name).exists()
        for part in _statistical(json.loads((results / name).read_text(encoding="utf-8")), title, name)
    ]
    parts += [
        part
        for name, title in NEURAL.items()
        if (results / name).exists()
        for part in _neural(json.loads((results / name).read_text(encoding="utf-8")), title, name)
    ]
    return "\n".join(parts) + "\n"


def _statistical(found: dict[str, Any], title: str, file: str) -> Iterator[str]:
    sets = list(found["gold"])
    size = ", ".join(f"{name} ({pairs} pairs)" for name, pairs in found["gold"].items())
    yield f"\n### {title}\n"
    yield f"AER in percent on {size}, pooled with 95 % interval and apart. From [{file}]({_link(file)}).\n"
    yield f"| aligner | links | AER | P | R | {' | '.join(sets)} | CPU s | peak MB |"
    yield "|---|---|---|---|---|" + "---|" * (len(sets) + 2)
    for name, of_aligner in found["aligners"].items():
        cost = of_aligner["cost"]
        for how, row in _shown(of_aligner["decisions"]):
            low, high = row["interval"]
            apart = " | ".join(f"{row['sets'][one]:.1f}" for one in sets)
            yield (
                f"| {name} | {how} | {row['aer']:.1f} ({low:.1f}–{high:.1f}) | {row['precision']:.1f} | "
                f"{row['recall']:.1f} | {apart} | {cost['cpu_seconds']:.0f} | {cost['peak_mb']:,.0f} |"
            )
    if found["differences"]:
        yield "\nDifferences in points of AER, paired bootstrap; below 0 weft is better:\n"
        for what, one in found["differences"].items():
            if what.rpartition(", ")[2] in DECISIONS:
                yield f"- {what}: {one['points']:+.1f} ({one['interval'][0]:+.1f} to {one['interval'][1]:+.1f})"


def _shown(decisions: dict[str, Any]) -> list[tuple[str, Any]]:
    """Few lines an aligner: the symmetrisations that literature quotes, and the best threshold."""
    agreed = {how: row for how, row in decisions.items() if how.startswith("agreed")}
    best = [min(agreed, key=lambda how: agreed[how]["aer"])] if agreed else []
    names = [how for how in decisions if how in DECISIONS or how in ("diagonal", "random")]
    return [(how, decisions[how]) for how in (*names, *best)]


def _neural(found: dict[str, Any], title: str, file: str) -> Iterator[str]:
    yield f"\n### {title}, attention of a translation model\n"
    yield (
        "One small model of both directions, layer, heads and rules chosen by grow-diag on one gold set, reported on "
        f"the other; a taught head keeps its place. From [{file}]({_link(file)}).\n"
    )
    one, other = found["languages"]
    yield f"| reading | chosen on | reported on | {one}→{other} | {other}→{one} | grow-diag (95 %) | grow-diag-or |"
    yield "|---|---|---|---|---|---|---|"
    for row in found["table"]:
        rates, (low, high) = row["aer"], row["grow-diag"]["interval"]
        yield (
            f"| {row['reading']} | {row['chosen_on']} | {row['reported_on']} | {rates['forward']:.1f} | "
            f"{rates['reverse']:.1f} | {rates['grow-diag']:.1f} ({low:.1f}–{high:.1f}) | {rates['grow-diag-or']:.1f} |"
        )


def _link(file: str) -> str:
    return f"../benchmarks/results/{file}"
