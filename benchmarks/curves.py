"""The course of a training run as one picture: loss, development BLEU and learning rate over updates.

    python benchmarks/curves.py RUN_FOLDER --title "Multi30k, English to German" \\
                                [--out benchmarks/results/multi30k-en-de.curves]

Reads `log.jsonl` of the run and writes OUT.png and OUT.svg (`pip install ".[plot]"`), and beside them OUT.log.jsonl:
the log without the development sentences that it quotes, since data may be under other terms than the project.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from report import RESULTS

INK, SOFT, GRID = "#1d2733", "#66727f", "#e3e7eb"
TRAIN, DEV, RATE = "#2a6f97", "#c8553d", "#6b7f3a"
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": "#b6bec6",
    "axes.labelcolor": SOFT,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "lines.linewidth": 2,
    "lines.solid_capstyle": "round",
    "svg.hashsalt": "weft",
    "svg.fonttype": "path",
}
Line = dict[str, Any]


def read_log(folder: Path) -> list[Line]:
    """The lines of the run's log, without quoted sentences."""
    text = (folder / "log.jsonl").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.split("\n") if line]
    return [{key: value for key, value in line.items() if key != "samples"} for line in lines]


def series(lines: Sequence[Line], value: Callable[[Line], Any]) -> tuple[list[int], list[float]]:
    """Steps and values of the lines that have one."""
    found = [(line["step"], value(line)) for line in lines if value(line) is not None]
    return [step for step, _ in found], [number for _, number in found]


def dev(name: str) -> Callable[[Line], Any]:
    return lambda line: line.get("dev", {}).get(name)


def drawn(lines: Sequence[Line], title: str) -> Figure:
    """Three panels over the same updates; every line is named where it ends instead of in a legend."""
    with matplotlib.rc_context(STYLE):
        figure, (loss, bleu, rate) = pyplot.subplots(
            3, 1, figsize=(8, 8), sharex=True, height_ratios=[3, 3, 1.4], layout="constrained"
        )
        figure.get_layout_engine().set(hspace=0.06, h_pad=0.08, w_pad=0.12)
        figure.suptitle(title, x=0.012, ha="left", fontsize=14, fontweight="bold")
        _loss(loss, lines)
        _bleu(bleu, lines)
        _rate(rate, lines)
        last = max(line["step"] for line in lines)
        rate.set_xlim(0, last * 1.19)  # room for the names at the right
        rate.xaxis.set_major_locator(MaxNLocator(7, integer=True))
        rate.set_xticks([tick for tick in rate.get_xticks() if tick <= last])
        rate.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:,.0f}"))
        rate.set_xlabel("updates")
        return figure


def _loss(axes: Axes, lines: Sequence[Line]) -> None:
    train, seen = series(lines, lambda line: line.get("likelihood")), series(lines, dev("loss"))
    axes.plot(*train, color=TRAIN)
    upper = 5 if seen[0] and train[1][-1] > seen[1][-1] else -5
    _name(axes, train, "training", TRAIN, lift=upper)
    if seen[0]:
        axes.plot(*seen, color=DEV, marker="o", markersize=3.5)
        _name(axes, seen, "development", DEV, lift=-upper)
    low = min(train[1] + seen[1])
    early = [value for step, value in zip(*train, strict=True) if step >= 0.03 * train[0][-1]]
    axes.set_ylim(max(0.0, low - 0.25), max(early) * 1.03)  # the first updates would squeeze all that follows
    _head(axes, "Loss, nats a target token (without label smoothing; training with dropout)")


def _bleu(axes: Axes, lines: Sequence[Line]) -> None:
    steps, scores = series(lines, dev("bleu"))
    _head(axes, "Development BLEU (sacreBLEU 13a)")
    if not steps:
        axes.text(0.5, 0.5, "no development BLEU in this log", transform=axes.transAxes, ha="center", color=SOFT)
        return
    axes.plot(steps, scores, color=DEV, marker="o", markersize=3.5)
    best = max(range(len(scores)), key=scores.__getitem__)
    axes.plot(steps[best], scores[best], "o", markersize=9, markerfacecolor="white", markeredgecolor=DEV, mew=2)
    axes.annotate(
        f"{scores[best]:.1f} at {steps[best]:,}",
        (steps[best], scores[best]),
        xytext=(4, 9),
        textcoords="offset points",
        ha="right",
        va="bottom",
        color=DEV,
        fontweight="bold",
    )
    axes.set_ylim(0, max(scores) * 1.2)
    last, found = series(lines, lambda line: line.get("last", {}).get("bleu"))
    if last and found[-1]:
        axes.plot(last, found, "D", color=INK, markersize=6)
        _name(axes, (last, found), f"{found[-1]:.1f} finished", INK)


def _rate(axes: Axes, lines: Sequence[Line]) -> None:
    steps, rates = series(lines, lambda line: line.get("learning_rate"))
    axes.fill_between(steps, rates, color=RATE, alpha=0.15, linewidth=0)
    axes.plot(steps, rates, color=RATE)
    axes.set_ylim(0, max(rates) * 1.15)
    axes.yaxis.set_major_locator(MaxNLocator(3))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    _head(axes, "Learning rate")


def _head(axes: Axes, text: str) -> None:
    axes.set_title(text, loc="left", fontsize=10, color=SOFT, pad=8)
    axes.grid(axis="x", visible=False)


def _name(axes: Axes, points: tuple[list[int], list[float]], text: str, color: str, *, lift: int = 0) -> None:
    """The name of a line, right of its last point; `lift` points higher, so that two names do not meet."""
    end, place = (points[0][-1], points[1][-1]), (9, lift)
    axes.annotate(text, end, xytext=place, textcoords="offset points", va="center", color=color, fontweight="bold")


def main() -> None:
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="a run folder of weft train")
    parser.add_argument("--title", help="by default the name of the folder")
    parser.add_argument("--out", type=Path, help="name without an ending; default: benchmarks/results/RUN.curves")
    options = parser.parse_args()
    matplotlib.use("Agg")
    lines = read_log(options.run)
    out = options.out or RESULTS / f"{options.run.resolve().name}.curves"
    out.parent.mkdir(parents=True, exist_ok=True)
    figure = drawn(lines, options.title or options.run.resolve().name)
    figure.savefig(f"{out}.png", dpi=160)
    figure.savefig(f"{out}.svg", metadata={"Date": None})
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    Path(f"{out}.log.jsonl").write_text(text, encoding="utf-8")
    print(f"written: {out}.png, {out}.svg, {out}.log.jsonl")


if __name__ == "__main__":
    main()
