"""The table and the plot of what `retrieval.py` has measured."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import mean
from typing import Any

SHOWN = (1024, 16384, 65536)
Cell = tuple[str, str, int]
"""A way, a task, a length."""


def by_cell(models: list[dict[str, Any]], what: str = "accuracy") -> dict[Cell, list[float]]:
    """What the models of all seeds say, by way, task and length; ways in the order in which they were measured."""
    cells: dict[Cell, list[float]] = {}
    for one in models:
        for way, rows in one["ways"].items():
            for row in rows:
                if what in row:
                    cells.setdefault((way, row["task"], row["length"]), []).append(row[what])
    return cells


def ways_and_tasks(cells: dict[Cell, list[float]]) -> tuple[list[str], list[str]]:
    return list(dict.fromkeys(way for way, _, _ in cells)), list(dict.fromkeys(task for _, task, _ in cells))


def retrieval_table(results: Path) -> str:
    """Accuracy in percent, the mean of the seeds and their range, at some of the lengths."""
    found = json.loads(results.read_text(encoding="utf-8"))
    cells, dense = by_cell(found["models"]), by_cell(found["models"], "read_all")
    ways, tasks = ways_and_tasks(cells)
    heads = "".join(f" {task}, {length:,} |" for task in tasks for length in SHOWN)
    lines = [f"| found, % |{heads} read every key |", "|---|" + "---:|" * (len(tasks) * len(SHOWN) + 1)]
    for way in ways:
        numbers = "".join(f" {_percent(cells[way, task, length])} |" for task in tasks for length in SHOWN)
        shares = [share for (name, _, _), some in dense.items() if name == way for share in some]
        lines.append(f"| {way} |{numbers} {f'{mean(shares):.0%}' if shares else ''} |")
    seeds = sorted({one["seed"] for one in found["models"]})
    lines += [
        "",
        f"{len(seeds)} seeds; trained on at most {found['trained_to']:,} tokens; `benchmarks/results/{results.name}`.",
    ]
    return "\n".join(lines) + "\n"


def _percent(seeds: list[float]) -> str:
    low, high = 100 * min(seeds), 100 * max(seeds)
    middle = f"{100 * mean(seeds):.0f}"
    return middle if high - low < 1 else f"{middle} ({low:.0f}–{high:.0f})"


def draw(results: Path, picture: Path) -> None:
    """Accuracy against the length of the source, a panel a task: lines are means, bands reach from seed to seed."""
    from matplotlib.figure import Figure

    found = json.loads(results.read_text(encoding="utf-8"))
    cells = by_cell(found["models"])
    ways, tasks = ways_and_tasks(cells)
    colours = {plain: f"C{number}" for number, plain in enumerate(dict.fromkeys(way.split(",")[0] for way in ways))}
    widths = {"dense": 5.0, "pages": 3.0}  # where lines lie on each other, the lower ones stick out
    styles = {"": "-", " log n at load": ":", " learned log n": "--"}
    figure = Figure(figsize=(12, 4.6), layout="constrained")
    panels = figure.subplots(1, len(tasks), sharey=True)
    for axes, task in zip(panels, tasks, strict=True):
        axes.axvspan(1, found["trained_to"], color="0.94")
        for way in ways:
            plain, _, rest = way.partition(",")
            style = styles.get(rest, "-")
            points = sorted((length, some) for (name, of, length), some in cells.items() if (name, of) == (way, task))
            lengths = [length for length, _ in points]
            axes.plot(
                lengths,
                [mean(some) for _, some in points],
                style,
                color=colours[plain],
                lw=widths.get(way, 1.3),
                alpha=0.8,
                label=way,
            )
            bounds = [min(some) for _, some in points], [max(some) for _, some in points]
            axes.fill_between(lengths, *bounds, color=colours[plain], alpha=0.08, lw=0)
        axes.set(xscale="log", xlim=(200, 90_000), ylim=(0, 1.03), xlabel="source length, tokens", title=task)
        axes.set_xticks(lengths, [f"{length:,}" for length in lengths], fontsize=8)
        axes.minorticks_off()
        axes.grid(True, which="major", alpha=0.3)
    panels[0].set_ylabel("share found")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right center", fontsize=8)
    figure.savefig(picture, dpi=110)
    print(f"written: {picture}", flush=True)
