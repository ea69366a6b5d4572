"""The tables of docs/several-sources.md, from the JSON files under benchmarks/results."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MODELS, MEMORY = ("fusion.json", "fusion.pictures.json"), "fusion.memory.json"


def tables(results: Path) -> str:
    """Models on the test set, then memory; what was not measured is not there."""
    parts = [_models(results / name) for name in MODELS if (results / name).exists()]
    parts += [_memory(results / MEMORY)] if (results / MEMORY).exists() else []
    return "\n".join(parts)


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _models(path: Path) -> str:
    found = _read(path)
    lines = [
        f"| model | BLEU, all {found['rows']} rows | p | chrF | p | {found['pictured_rows']} rows with a picture | "
        "no picture | another's picture | likelier with the right one | shares |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *(_row(name, one, found) for name, one in found["models"].items()),
    ]
    lines += _sets(found.get("sets", {}))
    return "\n".join(lines) + f"\n\n{_origin(found, path)}\n"


def _sets(sets: dict[str, Any]) -> list[str]:
    """The same models on other rows, BLEU and chrF of each with p of the second against the first."""
    if not sets:
        return []
    names = list(next(iter(sets.values()))["models"])
    lines = ["", f"| rows | {' | '.join(f'{name}, BLEU | p | chrF | p' for name in names)} |"]
    lines += ["|---" * (1 + 4 * len(names)) + "|"]
    for label, one in sets.items():
        cells = [
            cell
            for name in names
            for cell in (
                _score(one["models"][name]),
                _p(one["p"].get(name)),
                f"{one['models'][name]['chrf']:.1f}",
                _p(one["p_chrf"].get(name)),
            )
        ]
        lines.append(f"| {label}, {one['rows']:,} | {' | '.join(cells)} |")
    return lines


def _row(name: str, one: dict[str, Any], found: dict[str, Any]) -> str:
    scores = [_score(one.get(key)) for key in ("pictured", "without", "incongruent")]
    shares = ", ".join(f"{source} {share:.2f}" for source, share in one.get("shares", {}).items())
    wins = one.get("right_is_likelier_than", {}).get("incongruent")
    cells = [
        _score(one["all"]),
        _p(found["p_all"].get(name)),
        "" if (chrf := one["all"].get("chrf")) is None else f"{chrf:.1f}",
        _p(found.get("p_all_chrf", {}).get(name)),
        *scores,
        "" if wins is None else f"{wins:.0%}",
        shares,
    ]
    return f"| {name} | {' | '.join(cells)} |"


def _p(found: float | None) -> str:
    return "" if found is None else f"{found:.3f}"


def _score(found: dict[str, float] | None) -> str:
    return "" if found is None else f"{found['bleu']:.1f} ± {found['interval']:.1f}"


def _memory(path: Path) -> str:
    found = _read(path)
    lines = [
        f"Keys and values of {found['rows']} inputs of {found['length']} tokens a source, and a step of beam "
        f"{found['beam']}, CPU time:",
        "",
        "| fusion | 1 source | 2 sources | 4 sources |",
        "|---|---|---|---|",
        *_memories(found["cases"]),
    ]
    return "\n".join(lines) + f"\n\n{_origin(found, path)}\n"


def _memories(cases: list[dict[str, Any]]) -> Iterator[str]:
    for fusion in dict.fromkeys(one["fusion"] for one in cases):
        own = [one for one in cases if one["fusion"] == fusion]
        yield f"| {fusion} | " + " | ".join(f"{one['megabytes']:.1f} MB, {one['step_ms']:.0f} ms" for one in own) + " |"


def _origin(found: dict[str, Any], path: Path) -> str:
    around = found["surroundings"]
    machine, torch = around["machine"]["processor"], around["versions"]["torch"]
    return f"{machine}; torch {torch}; {around['date'][:10]}, `benchmarks/results/{path.name}`."
