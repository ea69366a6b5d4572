"""Memory of a wide beam over a long source: one memory for all hypotheses against one copy for each.

    python benchmarks/beam_memory.py [--preset base] [--out benchmarks/results/beam_memory.json]

A source of 2,000 random tokens, searched with beam 8 for 64 tokens, in float32 on one thread, by an untrained model
of seeded weights. `shared` is weft as it is: hypotheses are queries of one memory. `repeated` is the same model in the
form most toolkits have: the memory stands in the batch once for each hypothesis, and beams are rows of the batch.
Each runs in a process of its own, in turns. `peak_mb` is what the process held at most while it searched, as the system
(Linux) counts it; beside it stand what it held before it read the source (model and libraries), the most while it read
it, the bytes of the memory's own tensors, and the search's CPU time. Both must find the same hypotheses.
"""

from __future__ import annotations

import json
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from clock import clocked, spread
from report import arguments, write
from weft.base.padded import Padded, pad
from weft.base.shapes import Float, Int, Tensor
from weft.generation.hypothesis import Result
from weft.generation.search import search
from weft.generation.settings import SearchSettings
from weft.models.build import build
from weft.models.config import ModelConfig
from weft.models.decoder import DecoderCache, Encoded
from weft.models.presets import PRESETS

BOS, EOS, FIRST, VOCABULARY = 1, 2, 5, 8000
FORMS = ("shared", "repeated")
MEGABYTE = 1e6


@dataclass(frozen=True)
class RowCache:
    """A cache of beam 1 in which every hypothesis is a row; reordering copies histories, but never the memory."""

    inner: DecoderCache
    beam: int

    def reorder(self, parents: Int[Tensor, "b n"]) -> RowCache:
        rows = (parents + self.beam * torch.arange(len(parents))[:, None]).flatten()
        histories = tuple(history.select(rows, self.inner.ancestors) for history in self.inner.histories)
        return replace(
            self, inner=replace(self.inner, histories=histories, ancestors=self.inner.ancestors.select(rows))
        )

    def select(self, rows: Int[Tensor, " m"]) -> RowCache:
        every = (rows[:, None] * self.beam + torch.arange(self.beam)).flatten()
        return replace(self, inner=self.inner.select(every))


class Repeated:
    """A model whose memory is repeated for each hypothesis, and whose beams are rows of the batch."""

    def __init__(self, model: Any, beam: int) -> None:
        self.model, self.beam, self.vocabulary_size = model, beam, model.vocabulary_size

    def encode(self, source: Padded) -> Encoded:
        rows = torch.arange(len(source)).repeat_interleave(self.beam)
        repeated: Encoded = self.model.encode(source).select(rows)
        return repeated

    def init_cache(self, memory: Encoded, *, beam: int, capacity: int) -> RowCache:
        return RowCache(self.model.init_cache(memory, beam=1, capacity=capacity), beam)

    def step(
        self, tokens: Int[Tensor, "b n"], cache: RowCache, record: Any = None
    ) -> tuple[Float[Tensor, "b n w"], RowCache]:
        logits, inner = self.model.step(tokens.reshape(-1, 1), cache.inner, record)
        return logits.view(*tokens.shape, -1), replace(cache, inner=inner)


def searched(model: Any, memory: Encoded, options: Namespace) -> Result:
    settings = SearchSettings(
        beam=options.beam, nbest=options.beam, max_length=options.target_tokens, min_length=options.target_tokens
    )
    lengths = torch.tensor([options.source_tokens])
    return search(model, memory, start=torch.tensor([BOS]), source_lengths=lengths, eos=EOS, settings=settings)


def untrained(preset: str) -> nn.Module:
    """A model of seeded weights whose scores are spread, so that hypotheses differ by far more than by rounding."""
    shape = {**PRESETS[preset], "vocabulary_size": VOCABULARY, "tie": "none"}
    model = build(ModelConfig.model_validate(shape)).eval()
    model.out.projection.weight.mul_(10)
    return model


@torch.inference_mode()
def measure_one(options: Namespace) -> dict[str, Any]:
    """What one form needs, in this process."""
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    plain = untrained(options.preset)
    model: Any = Repeated(plain, options.beam) if options.form == "repeated" else plain
    tokens = torch.randint(FIRST, VOCABULARY, (options.source_tokens - 1,)).tolist()
    before = resident("VmRSS")
    memory = model.encode(pad([[*tokens, EOS]]))
    encode_peak = resident("VmHWM")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the high-water mark starts anew
    found: list[Result] = []
    took = clocked(lambda: found.append(searched(model, memory, options)))
    return {
        "memory_tensors_mb": sum(x.numel() * x.element_size() for one in memory.cross for x in (one.k, one.v))
        / MEGABYTE,
        "before_mb": before,
        "encode_peak_mb": encode_peak,
        "peak_mb": resident("VmHWM"),
        "search_cpu_seconds": took.cpu,
        "hypotheses": [[list(one.tokens), one.log_probability] for one in found[0].hypotheses[0]],
    }


def resident(name: str) -> float:
    """Megabytes that this process holds now (VmRSS, RssAnon, RssFile) or held at most (VmHWM)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name + ":")) * 1024 / MEGABYTE


def in_own_process(form: str, options: Namespace) -> dict[str, Any]:
    numbers = {name: getattr(options, name) for name in ("preset", "source_tokens", "target_tokens", "beam", "seed")}
    flags = [part for name, value in numbers.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    command = [sys.executable, __file__, "--form", form, *flags]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def difference(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Whether the two forms found the same hypotheses, and how far their log-probabilities are apart."""
    pairs = list(zip(one["hypotheses"], other["hypotheses"], strict=True))
    return {
        "same_tokens": all(first[0] == second[0] for first, second in pairs),
        "largest_difference_of_log_probability": max(abs(first[1] - second[1]) for first, second in pairs),
    }


def main() -> None:
    parser = arguments(__doc__, "beam_memory")
    add_options(parser)
    options = parser.parse_args()
    if options.form:
        print(json.dumps(measure_one(options)))
        return
    runs: dict[str, list[dict[str, Any]]] = {form: [] for form in FORMS}
    for _ in range(options.repetitions):
        for form in FORMS:
            runs[form].append(in_own_process(form, options))
    results: dict[str, Any] = {
        form: {
            key: spread([one[key] for one in of_form], 2)
            for key in ("memory_tensors_mb", "before_mb", "encode_peak_mb", "peak_mb", "search_cpu_seconds")
        }
        | {"peak_over_before_mb": spread([one["peak_mb"] - one["before_mb"] for one in of_form], 2)}
        for form, of_form in runs.items()
    }
    names = ("memory_tensors_mb", "peak_mb", "peak_over_before_mb", "search_cpu_seconds")
    ratio = {name: round(results["repeated"][name]["median"] / results["shared"][name]["median"], 3) for name in names}
    outputs = [difference(one, other) for one, other in zip(runs["shared"], runs["repeated"], strict=True)]
    for form, result in results.items():
        print(f"{form}: " + ", ".join(f"{name} {result[name]['median']}" for name in names))
    print(f"repeated / shared: {ratio}; {outputs[0]}")
    shape = {name: getattr(options, name) for name in ("preset", "source_tokens", "target_tokens", "beam", "seed")}
    write(options.out, {"setting": shape, "results": results, "repeated_over_shared": ratio, "outputs": outputs})
    if not all(one["same_tokens"] for one in outputs):
        raise SystemExit("the two forms found different hypotheses")


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--preset", choices=list(PRESETS), default="base")
    parser.add_argument("--source-tokens", type=int, default=2000)
    parser.add_argument("--target-tokens", type=int, default=64)
    parser.add_argument("--beam", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repetitions", type=int, default=5, help="processes of each form")
    parser.add_argument("--form", choices=FORMS, help="measure this form alone, in this process")


if __name__ == "__main__":
    main()
