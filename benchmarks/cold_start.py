"""Cold start of the command line against a bare `import torch`: whole processes, started in turns.

    python benchmarks/cold_start.py [--model en-fr] [--to fr] [--runs 15] [--out benchmarks/results/cold_start.json]

Each run is a fresh process; wall time, and CPU time of that process as the system counts it. A first round, which fills
the system's file cache, does not count. Target: `weft translate` at most 1.5 times a bare `import torch`; `weft --help`
within half a second.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from clock import Took, interleaved, ratios, spread
from report import arguments, write

TEXT = "The big red dog sleeps."
TARGETS = {"weft translate": 1.5}
BASE = "import torch"


def started(command: list[str]) -> Took:
    """Seconds from the start of a process to its end; an error if it failed."""
    begun = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said = process.stderr.read().decode(errors="replace") if process.stderr else ""
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}: {said}")
    return Took(wall, usage.ru_utime + usage.ru_stime)


def main() -> None:
    parser = arguments(__doc__, "cold_start")
    parser.add_argument("--model", help="a model by name, or a folder; by default none is named")
    parser.add_argument("--to", default="fr")
    parser.add_argument("--runs", type=int, default=15)
    options = parser.parse_args()
    weft = str(Path(sys.executable).with_name("weft"))
    named = ["--model", options.model] if options.model else []
    commands = {
        "python": [sys.executable, "-c", "pass"],
        BASE: [sys.executable, "-c", "import torch"],
        "weft --version": [weft, "--version"],
        "weft --help": [weft, "--help"],
        "weft translate": [weft, "translate", TEXT, "--to", options.to, *named],
        "weft translate --align": [weft, "translate", TEXT, "--to", options.to, "--align", *named],
    }
    cases = {name: partial(started, command) for name, command in commands.items()}
    took = interleaved(cases, options.runs, clock=lambda run: run())
    results = {
        name: {
            "seconds": spread([run.wall for run in runs], 3),
            "cpu_seconds": spread([run.cpu for run in runs], 3),
            "ratio_to_import_torch": ratios(runs, took[BASE]),
        }
        for name, runs in took.items()
    }
    for name, result in results.items():
        ratio = result["ratio_to_import_torch"]
        print(
            f"{name}: {result['seconds']['median']:.3f} s, {result['cpu_seconds']['median']:.3f} s CPU, "
            f"x {ratio['wall']['median']:.2f} wall, x {ratio['cpu']['median']:.2f} CPU"
        )
    write(options.out, {"text": TEXT, "targets": TARGETS, "results": results})


if __name__ == "__main__":
    main()
