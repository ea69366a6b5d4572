"""Decoding speed against what else there is: weft, transformers and CTranslate2 on the same weights and work.

    python benchmarks/against.py [--shapes small base] [--sources 32 512] [--batches 1 32] [--beams 1 4] [--seconds 10]
                                 [--out benchmarks/results/against.json]

Marian models of random weights, saved once and read by every program. Every program writes as many tokens (64 for one
sentence, 16 for each of 32; `</s>` is never written), ids in, ids out (CTranslate2: tokens as text), encoder included.
One thread. In each cell the programs take turns; what counts are medians of the process's CPU time and of the ratios of
runs that took turns. A round is repeated until a cell has taken `--seconds`, and at least once: `runs` says how often.
What the float32 programs wrote is compared token by token. At 512 tokens and 32 sentences, also with attention: that of
one decoder layer, every head, for every token written. Cells that the file holds already stay unless they are measured
again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from clock import Took, clocked, interleaved, ratios, spread
from engines import (
    FIRST,
    SHAPES,
    Engine,
    Texts,
    Work,
    by_ctranslate2,
    by_transformers,
    by_transformers_looking,
    by_weft,
    saved,
    weft_model,
)
from report import arguments, write

Cells = list[dict[str, Any]]

THEIRS, LOOKING = "transformers float32", "transformers eager, attentions"
ALIKE = ("weft float32", "CTranslate2 float32", "weft float32, aligned", LOOKING)
"""Programs that must write what transformers writes."""
MANY, LONG = 32, 512
TOKENS = {1: 64, MANY: 16}
MOST_ROUNDS = 7


def engines(shape: str, folder: Path) -> dict[str, Engine]:
    """Every program with the model of that shape, by name."""
    theirs = saved(SHAPES[shape], folder)
    ours = weft_model(folder)
    return {
        THEIRS: by_transformers(theirs),
        "weft float32": by_weft(ours),
        "weft int8": by_weft(weft_model(folder, int8=True)),
        "CTranslate2 float32": by_ctranslate2(folder / "ct2", "float32"),
        "CTranslate2 int8": by_ctranslate2(folder / "ct2", "int8"),
        LOOKING: by_transformers_looking(folder),
        "weft float32, aligned": by_weft(ours, layer=SHAPES[shape].decoder - 1),
    }


def chosen(programs: Mapping[str, Engine], *, source: int, batch: int) -> dict[str, Engine]:
    """Those that run in a cell: attention is looked at where it costs most."""
    looked = (LOOKING, "weft float32, aligned") if (source, batch) != (LONG, MANY) else ()
    return {name: run for name, run in programs.items() if name not in looked}


def work_of(shape: str, *, source: int, batch: int, beam: int, tokens: int) -> Work:
    generator = torch.Generator().manual_seed(source + batch)
    ids = torch.randint(FIRST, SHAPES[shape].vocabulary, (batch, source), generator=generator)
    return Work([tuple(row) for row in ids.tolist()], beam, tokens)


def cell(programs: Mapping[str, Engine], work: Work, *, seconds: float) -> dict[str, Any]:
    """What each program took and wrote, in runs that took turns."""
    for run in programs.values():
        run(replace(work, sources=work.sources[:1], tokens=2))
    written: dict[str, Texts] = {}
    first = {name: [clocked(partial(_noted, written, name, run, work))] for name, run in programs.items()}
    round_ = sum(runs[0].cpu for runs in first.values())
    further = min(MOST_ROUNDS, int(seconds / round_))
    again = interleaved({name: partial(run, work) for name, run in programs.items()}, further, warm_up=0)
    took = again if further > 1 else {name: first[name] + again[name] for name in programs}
    produced = len(work.sources) * work.tokens
    return {
        "tokens": work.tokens,
        "distinct_tokens": len({token for text in written[THEIRS] for token in text}),
        "same_tokens": {name: same(written[THEIRS], written[name]) for name in ALIKE if name in written},
        "programs": {name: _speed(runs, took[THEIRS], produced) for name, runs in took.items()},
    }


def _noted(written: dict[str, Texts], name: str, run: Engine, work: Work) -> None:
    written[name] = run(work)


def _speed(runs: list[Took], base: list[Took], produced: int) -> dict[str, Any]:
    return {
        "cpu_ms": spread([1e3 * run.cpu for run in runs], 1),
        "tokens_per_cpu_second": spread([produced / run.cpu for run in runs], 1),
        "times_transformers": ratios(base, runs)["cpu"],
    }


def same(texts: Texts, others: Texts) -> float:
    """The share of tokens that are the same, place by place."""
    pairs = [pair for one, other in zip(texts, others, strict=True) for pair in zip(one, other, strict=True)]
    return sum(one == other for one, other in pairs) / len(pairs)


def main() -> None:
    parser = arguments(__doc__, "against")
    parser.add_argument("--shapes", nargs="+", default=["small", "base"], choices=SHAPES)
    parser.add_argument("--sources", nargs="+", type=int, default=[32, LONG])
    parser.add_argument("--batches", nargs="+", type=int, default=[1, MANY], choices=TOKENS)
    parser.add_argument("--beams", nargs="+", type=int, default=[1, 4])
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cells = read_cells(options.out)
    for shape in options.shapes:
        with TemporaryDirectory() as folder:
            programs = engines(shape, Path(folder))
            for batch, source, beam in product(options.batches, options.sources, options.beams):
                work = work_of(shape, source=source, batch=batch, beam=beam, tokens=TOKENS[batch])
                found = cell(chosen(programs, source=source, batch=batch), work, seconds=options.seconds)
                _show(one := {"shape": shape, "source": source, "batch": batch, "beam": beam, **found})
                cells = joined(cells, [one])
                write(options.out, {"cells": cells}, packages=("transformers", "ctranslate2"))


def read_cells(path: Path) -> Cells:
    """The cells that were measured before."""
    cells: Cells = json.loads(path.read_text(encoding="utf-8"))["cells"] if path.exists() else []
    return cells


def joined(cells: Cells, others: Cells) -> Cells:
    """All cells in the order of the table; what both measured is as the second found it."""
    by_place = {_place(cell): cell for cell in (*cells, *others)}
    return [by_place[place] for place in sorted(by_place)]


def _place(cell: dict[str, Any]) -> tuple[int, int, int, int]:
    return list(SHAPES).index(cell["shape"]), cell["batch"], cell["source"], cell["beam"]


def _show(found: dict[str, Any]) -> None:
    where = ", ".join(f"{key} {found[key]}" for key in ("shape", "source", "batch", "beam", "distinct_tokens"))
    print(f"{where}: {found['same_tokens']}", flush=True)
    for name, one in found["programs"].items():
        times = one["times_transformers"]
        print(f"  {name:32} {one['cpu_ms']['median']:9.1f} ms  {times['median']:.2f} x  {times['runs']}", flush=True)


if __name__ == "__main__":
    main()
