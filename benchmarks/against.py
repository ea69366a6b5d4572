"""Decoding speed against what else there is: weft, transformers and CTranslate2 on the same weights and work.

    python benchmarks/against.py [--shapes base small] [--sources 32 512] [--batches 1 32] [--beams 1 4]
                                 [--tokens 64] [--repetitions 5] [--seconds 20] [--out benchmarks/results/against.json]

Marian models of random weights, saved once and read by every program; every program writes `--tokens` tokens of the
best hypothesis, encoder included, ids in, ids out (CTranslate2: tokens as text). One thread. In each cell the programs
take turns; what counts are medians of the process's CPU time and of the pairwise ratios. A cell whose programs take
longer than `--seconds` together is run less often (`runs` in the file), and where one round takes four times as long,
with a quarter of the tokens. What the float32 programs wrote must be the same, token by token, but where two
hypotheses are as good as each other.
"""

from __future__ import annotations

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

ALIKE = ("weft float32", "transformers float32", "CTranslate2 float32")


def engines(shape: str, folder: Path) -> dict[str, Engine]:
    """Every program with the model of that shape, by name."""
    theirs = saved(SHAPES[shape], folder)
    ours = weft_model(folder)
    return {
        "transformers float32": by_transformers(theirs),
        "weft float32": by_weft(ours),
        "weft int8": by_weft(weft_model(folder, int8=True)),
        "CTranslate2 float32": by_ctranslate2(folder / "ct2", "float32"),
        "CTranslate2 int8": by_ctranslate2(folder / "ct2", "int8"),
    }


def work_of(shape: str, *, source: int, batch: int, beam: int, tokens: int) -> Work:
    generator = torch.Generator().manual_seed(source + batch)
    ids = torch.randint(FIRST, SHAPES[shape].vocabulary, (batch, source), generator=generator)
    return Work([tuple(row) for row in ids.tolist()], beam, tokens)


def cell(programs: Mapping[str, Engine], work: Work, *, repetitions: int, seconds: float) -> dict[str, Any]:
    """Speeds of all programs, and how often each was faster than the first, in runs that took turns."""
    for run in programs.values():
        run(replace(work, tokens=2))
    written: dict[str, Texts] = {}
    once = {name: clocked(partial(_noted, written, name, run, work)) for name, run in programs.items()}
    together = sum(took.cpu for took in once.values())
    further = min(repetitions, int(seconds / together)) if together < seconds else 0
    took = interleaved({name: partial(run, work) for name, run in programs.items()}, further, warm_up=0)
    if further < 3:
        took = {name: [once[name], *runs] for name, runs in took.items()}
    produced = len(work.sources) * work.tokens
    return {
        "tokens": work.tokens,
        "distinct_tokens": len({token for text in written["transformers float32"] for token in text}),
        "same_tokens": alike(written),
        "programs": {name: _speed(runs, took["transformers float32"], produced) for name, runs in took.items()},
    }


def _noted(written: dict[str, Texts], name: str, run: Engine, work: Work) -> None:
    written[name] = run(work)


def _speed(runs: list[Took], base: list[Took], produced: int) -> dict[str, Any]:
    return {
        "cpu_ms": spread([1e3 * run.cpu for run in runs], 1),
        "tokens_per_cpu_second": spread([produced / run.cpu for run in runs], 1),
        "times_transformers": ratios(base, runs),
    }


def alike(written: Mapping[str, Texts]) -> dict[str, float]:
    """The share of tokens that each float32 program wrote as transformers did."""
    theirs = written["transformers float32"]
    return {
        name: sum(
            a == b for one, other in zip(theirs, written[name], strict=True) for a, b in zip(one, other, strict=True)
        )
        / sum(map(len, theirs))
        for name in ALIKE
        if name in written
    }


def main() -> None:
    parser = arguments(__doc__, "against")
    parser.add_argument("--shapes", nargs="+", default=["small", "base"], choices=SHAPES)
    parser.add_argument("--sources", nargs="+", type=int, default=[32, 512])
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 32])
    parser.add_argument("--beams", nargs="+", type=int, default=[1, 4])
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--only", nargs="+", help="programs by name; default: all")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cells = []
    for shape in options.shapes:
        with TemporaryDirectory() as folder:
            programs = engines(shape, Path(folder))
            programs = {name: run for name, run in programs.items() if options.only is None or name in options.only}
            for source, batch, beam in product(options.sources, options.batches, options.beams):
                work = work_of(shape, source=source, batch=batch, beam=beam, tokens=options.tokens)
                found = cell(programs, work, repetitions=options.repetitions, seconds=options.seconds)
                cells.append({"shape": shape, "source": source, "batch": batch, "beam": beam, **found})
                print(
                    shape,
                    f"S={source} B={batch} beam {beam}:",
                    found["distinct_tokens"],
                    found["same_tokens"],
                    flush=True,
                )
                for name, one in found["programs"].items():
                    print(
                        f"  {name:24} {one['cpu_ms']['median']:9.1f} ms  {one['times_transformers']['cpu']['median']:.2f} x",
                        flush=True,
                    )
    write(options.out, {"cells": cells}, packages=("transformers", "ctranslate2"))


if __name__ == "__main__":
    main()
