"""What observation costs: statistics of one head of a long call, in time and memory, beside the fused call itself.

    python benchmarks/observation.py [--repetitions 21] [--out benchmarks/results/observation.json]

One call of 8 heads, 256 queries and 16,384 keys of width 64, in float32 on one thread, through torch's fused kernel
(`attend`). Then, of one head: its 8 largest weights a query, all its weights, and what is true of them without forming
them; and the loss of guided alignment with its gradients, by links alone and through all log weights. Cases take
turns; `of_fused` is the median of (case / fused call) in CPU time. Memory is what a case needs on top, after the fused
call whose context is kept: `tensors_mb` as torch's allocator counts it, which is the same every time, and `process_mb`
as the system (Linux) sees it, without the code of libraries, each case in a process of its own. Target: the 8 largest
weights take at most 4 MB above the fused call.
"""

from __future__ import annotations

import json
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch

from allocated import peak_bytes
from beam_memory import MEGABYTE, resident
from clock import interleaved, ratios, spread
from report import arguments, write
from weft.attention import Fused, Observation
from weft.base.shapes import Tensor

HEAD, TOP, SEGMENTS = 3, 8, 4
TARGET_MB = 4.0


def observed(options: Namespace) -> Observation:
    random = torch.Generator().manual_seed(options.seed)
    sizes = (options.queries, options.keys, options.keys)
    q, k, v = (torch.randn(1, options.heads, size, options.width, generator=random) for size in sizes)
    return Observation("target_to_source", q, Fused().prepare(k, v), Fused())


def attend(one: Observation) -> Tensor:
    return one.backend.attend(one.query, one.memory)


def segments(one: Observation) -> Tensor:
    keys = one.memory.k.shape[2]
    return one.segment_mass(torch.arange(keys)[None] * SEGMENTS // keys, SEGMENTS, [HEAD])


def links(one: Observation) -> Tensor:
    """A link for each query, (row of the batch, query, key)."""
    query, keys = torch.arange(one.query.shape[2]), one.memory.k.shape[2]
    return torch.stack((torch.zeros_like(query), query, query * 7 % keys), 1)


def guided(one: Observation, *, dense: bool) -> list[Tensor]:
    """The loss of guided alignment and its gradients of queries and keys, by links alone or through all log weights."""
    with torch.inference_mode(False), torch.enable_grad():
        q, k = (x.detach().clone().requires_grad_() for x in (one.query[:, [HEAD]], one.memory.k[:, [HEAD]]))
        if dense:
            row, query, key = links(one).unbind(1)
            log_weights = (q @ k.mT * q.shape[-1] ** -0.5).log_softmax(-1)[row, 0, query, key]
        else:
            alone = Observation(one.site, q, one.backend.prepare(k, k, mask=one.memory.mask), one.backend)
            log_weights = alone.log_weights_at(links(one), head=0)
        return list(torch.autograd.grad(-log_weights.sum(), (q, k)))


CASES: dict[str, Callable[[Observation], Any]] = {
    "top": lambda one: one.top(TOP, heads=[HEAD]),
    "weights": lambda one: one.weights([HEAD]),
    "log_normaliser": lambda one: one.log_normaliser([HEAD]),
    "entropy": lambda one: one.entropy([HEAD]),
    "expected_position": lambda one: one.expected_position([HEAD]),
    "segment_mass": segments,
    "coverage": lambda one: one.coverage([HEAD]),
    "guided_by_links": partial(guided, dense=False),
    "guided_dense": partial(guided, dense=True),
}
FUSED = "fused"


def times(one: Observation, repetitions: int) -> dict[str, Any]:
    """Milliseconds of CPU time of every case, and how they stand to the fused call."""
    runs = {FUSED: partial(attend, one)} | {name: partial(case, one) for name, case in CASES.items()}
    took = interleaved(runs, repetitions)
    return {
        name: {
            "cpu_ms": spread([1e3 * run.cpu for run in of_case], 2),
            "of_fused": ratios(of_case, took[FUSED])["cpu"],
        }
        for name, of_case in took.items()
    }


def after_fused(one: Observation, name: str) -> list[Any]:
    """The fused call and then a case, with the context of the former kept."""
    return [attend(one)] if name == FUSED else [attend(one), CASES[name](one)]


def tensors_mb(one: Observation, name: str) -> float:
    peak = peak_bytes(partial(after_fused, one, name)) - peak_bytes(partial(attend, one))
    return round(max(0, peak) / MEGABYTE, 3)


@torch.inference_mode()
def process_peak(options: Namespace) -> float:
    """The most that this process held while it ran one case, beyond what stood before it, in megabytes.

    Pages of files are taken off: the first call of a kernel maps its code, which is no memory of the case.
    """
    torch.set_num_threads(1)
    one, small = observed(options), observed(Namespace(**{**vars(options), "queries": 7, "keys": 11}))
    after_fused(small, options.case)  # what libraries take when they are first called
    before = resident("RssAnon")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the high-water mark starts anew
    after_fused(one, options.case)
    return resident("VmHWM") - resident("RssFile") - before


def in_own_process(name: str, options: Namespace) -> float:
    numbers = {key: getattr(options, key) for key in ("heads", "queries", "keys", "width", "seed")}
    flags = [part for key, value in numbers.items() for part in (f"--{key}", str(value))]
    command = [sys.executable, __file__, "--case", name, *flags]
    return float(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def measure(options: Namespace) -> dict[str, dict[str, Any]]:
    with torch.inference_mode():
        one = observed(options)
        results = times(one, options.repetitions)
        for name in results:
            results[name]["tensors_mb"] = tensors_mb(one, name)
    peaks = {name: [in_own_process(name, options) for _ in range(options.processes)] for name in results}
    fused = median(peaks[FUSED])
    for name, result in results.items():
        result["process_mb"] = spread([peak if name == FUSED else peak - fused for peak in peaks[name]], 2)
    return results


def main() -> None:
    parser = arguments(__doc__, "observation")
    add_options(parser)
    options = parser.parse_args()
    if options.case:
        print(json.dumps(process_peak(options)))
        return
    torch.set_num_threads(1)
    results = measure(options)
    for name, result in results.items():
        print(
            f"{name}: {result['cpu_ms']['median']} ms, {result['of_fused']['median']:.3f} of the fused call, "
            f"+{result['tensors_mb']} MB of tensors, {result['process_mb']['median']} MB of the process"
        )
    shape = {name: getattr(options, name) for name in ("heads", "queries", "keys", "width", "seed")}
    write(options.out, {"setting": shape, "top": TOP, "target_mb": TARGET_MB, "results": results})
    if results["top"]["tensors_mb"] > TARGET_MB:
        raise SystemExit(f"the {TOP} largest weights take more than {TARGET_MB} MB")


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--heads", type=int, default=8)
    parser.add_argument("--queries", type=int, default=256)
    parser.add_argument("--keys", type=int, default=16384)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repetitions", type=int, default=21, help="runs of each case, in turns")
    parser.add_argument("--processes", type=int, default=5, help="processes of each case, for its memory")
    parser.add_argument("--case", choices=[FUSED, *CASES], help="memory of this case alone, in this process")


if __name__ == "__main__":
    main()
