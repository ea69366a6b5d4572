"""An encoder's time and memory against the length of the source: dense, a window around each position, blocks.

    python benchmarks/encoder_attention.py [--lengths N ...] [--repetitions 3] [--append] [--out FILE.json]

A whole encoder of 2 layers, width 256, 4 heads, feed-forward 1,024, freshly initialised, reads one source of random
tokens, float32, one thread. `encode` is reading it without gradients, `train` reading it and a backward pass from the
sum of its states. Ways take turns in one process; CPU time is the median, `peak_mb` the most that stood allocated at
once. Dense is left out where a turn of it would take minutes (`DENSE_UP_TO`), training of all where its memory would
not do on a small machine.
"""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from allocated import peak_bytes
from clock import interleaved, spread
from report import arguments, write
from weft.base.padded import Padded
from weft.models.build import build
from weft.models.config import ModelConfig

LENGTHS = (1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072)
DENSE_UP_TO = {"encode": 16384, "train": 8192}
LONGEST = {"encode": 131072, "train": 16384}
WAYS: dict[str, dict[str, Any]] = {
    "dense": {},
    "local": {"encoder_attention": "local"},
    "local, 16 global": {"encoder_attention": "local", "encoder_reading": {"global_tokens": 16}},
    "blocks": {"encoder_attention": "blocks"},
}
"""Windows of 128 tokens on each side; blocks of 64: three near ones, one global and one drawn."""
SHAPE = {
    "vocabulary_size": 8000,
    "width": 256,
    "num_heads": 4,
    "feedforward_width": 1024,
    "encoder_layers": 2,
    "decoder_layers": 1,
    "dropout": 0.0,
}


def main() -> None:
    parser = arguments(__doc__, "encoder_attention")
    parser.add_argument("--lengths", type=int, nargs="+", default=LENGTHS)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--append", action="store_true", help="keep what --out holds of other lengths")
    options = parser.parse_args()
    torch.set_num_threads(1)
    results: list[dict[str, Any]] = []
    if options.append and options.out.exists():
        results = json.loads(options.out.read_text(encoding="utf-8"))["results"]
    for length in options.lengths:
        others = [one for one in results if one["length"] != length]
        results = sorted([*others, *_of_length(length, options)], key=lambda one: (one["what"], one["length"]))
        write(options.out, {"shape": SHAPE, "shared_machine": True, "results": results})
    draw(options.out, options.out.with_suffix(".png"))


def _of_length(length: int, options: Namespace) -> Iterator[dict[str, Any]]:
    random = torch.Generator().manual_seed(length)
    source = Padded(torch.randint(3, 8000, (1, length), generator=random), torch.ones(1, length, dtype=torch.bool))
    for what, run in (("encode", _encode), ("train", _train)):
        if length > LONGEST[what]:
            continue
        names = [name for name in WAYS if name != "dense" or length <= DENSE_UP_TO[what]]
        runs = {name: run(_encoder(name), source) for name in names}
        took = interleaved(runs, options.repetitions)
        ways = {
            name: {
                "cpu_s": spread([one.cpu for one in took[name]]),
                "peak_mb": round(peak_bytes(runs[name]) / 1e6, 1),
            }
            for name in names
        }
        print(what, length, json.dumps(ways), flush=True)
        yield {"what": what, "length": length, "ways": ways}


def _encoder(name: str) -> torch.nn.Module:
    torch.default_generator.manual_seed(3)
    return build(ModelConfig.model_validate({**SHAPE, **WAYS[name]})).encoder  # type: ignore[return-value]


def _encode(encoder: torch.nn.Module, source: Padded) -> Callable[[], Any]:
    def run() -> Any:
        with torch.inference_mode():
            return encoder(source)

    return run


def _train(encoder: torch.nn.Module, source: Padded) -> Callable[[], Any]:
    def run() -> None:
        encoder.zero_grad(set_to_none=True)
        encoder(source).values.sum().backward()

    return run


def draw(results: Path, picture: Path) -> None:
    """Time and memory of reading a source against its length, both axes logarithmic."""
    from matplotlib.figure import Figure

    found = [one for one in json.loads(results.read_text(encoding="utf-8"))["results"] if one["what"] == "encode"]
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    time, memory = figure.subplots(1, 2)
    for name in WAYS:
        points = [(one["length"], one["ways"][name]) for one in found if name in one["ways"]]
        lengths = [length for length, _ in points]
        time.plot(lengths, [way["cpu_s"]["median"] for _, way in points], marker="o", ms=3, label=name)
        memory.plot(lengths, [way["peak_mb"] for _, way in points], marker="o", ms=3)
    for axes, title in ((time, "CPU time of reading a source, s"), (memory, "memory at most, MB")):
        axes.set(xscale="log", yscale="log", xlabel="source length, tokens", title=title)
        axes.grid(True, which="major", alpha=0.3)
    time.legend(fontsize=8)
    figure.savefig(picture, dpi=110)
    print(f"written: {picture}", flush=True)


if __name__ == "__main__":
    main()
