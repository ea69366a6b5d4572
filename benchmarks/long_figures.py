"""The tables of docs/long-sources.md, from what `long_sources.py` has measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def long_table(results: Path) -> str:
    """Time of a step against dense at each length, the memory and error at one, and keys and values in fewer bits."""
    found = json.loads(results.read_text(encoding="utf-8"))
    rows = {(one["keys"], one["length"]): one["ways"] for one in found["results"]}
    lengths = sorted({length for _, length in rows})
    return (
        "\n".join(
            [*_times(rows, lengths), "", *_at(rows, 131072), "", *_kept(found["kept"]), "", *_shared(found["shared"])]
        )
        + "\n"
    )


def _times(rows: dict[tuple[str, int], Any], lengths: list[int]) -> list[str]:
    """A line a way: its CPU time over that of dense."""
    heads = "".join(f" {length:,} |" for length in lengths)
    lines = [f"| a step, CPU time |{heads}", "|---|" + "---:|" * len(lengths)]
    dense = "".join(f" {rows['concentrated', length]['dense']['cpu_ms']['median']:.2f} ms |" for length in lengths)
    lines.append(f"| dense |{dense}")
    for name in rows["concentrated", lengths[0]]:
        if name != "dense":
            lines.append(f"| {name} |{_ratios(rows, 'concentrated', name, lengths)}")
    lines += [f"| {name}, random keys |{_ratios(rows, 'random', name, lengths)}" for name in ("pages", "window")]
    return lines


def _ratios(rows: dict[tuple[str, int], Any], keys: str, name: str, lengths: list[int]) -> str:
    return "".join(f" {rows[keys, length][name]['over_dense']['median']:.3g} × |" for length in lengths)


def _at(rows: dict[tuple[str, int], Any], length: int) -> list[str]:
    """A line a way: what it keeps beside the source, and how far its context is from that of dense."""
    lines = [f"| at {length:,} keys | noted of the keys | a step | error |", "|---|---:|---:|---:|"]
    for name, way in rows["concentrated", length].items():
        error = f"{way['error']:.1e}" if "error" in way else "another model" if name != "dense" else "0"
        lines.append(f"| {name} | {way['index_mb']:.1f} MB | {way['step_mb']:.2f} MB | {error} |")
    return lines


def _kept(kept: list[dict[str, Any]]) -> list[str]:
    lines = [f"| at {kept[0]['length']:,} keys, chunked | keys and values | a step | error |", "|---|---:|---:|---:|"]
    for one in kept:
        if one["keys"] == "concentrated":
            time, error = f"{one['cpu_ms']['median']:.0f} ms", f"{one['error']:.1e}"
            lines.append(f"| {one['numbers']} | {one['source_mb']:.1f} MB | {time} | {error} |")
    return lines


def _shared(shared: list[dict[str, Any]]) -> list[str]:
    """What layers that share states keep of a source, beside keys and values of each."""
    lengths = "".join(f" {one['length']:,} keys, {one['layers']} layers |" for one in shared)
    lines = [f"| one step of all layers |{lengths}", "|---|" + "---:|" * len(shared)]
    for name in shared[0]["ways"]:
        ways = [one["ways"][name] for one in shared]
        cells = (f" {way['source_mb']:,.0f} MB, {way['cpu_ms']['median']:.0f} ms |" for way in ways)
        lines.append(f"| {name} |{''.join(cells)}")
    return lines
