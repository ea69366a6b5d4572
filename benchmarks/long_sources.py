"""One decoding step of cross-attention against the length of the source: CPU time, memory, and what was left out.

    python benchmarks/long_sources.py [--lengths N ...] [--repetitions 5] [--out FILE.json]

Batch 1, 8 heads of 64, float32, one query a head, one thread, no gradients; the memory is prepared beforehand, as once
a source. Ways take turns in one process; medians of the CPU time of a call, and the pairwise ratio to dense, which is
torch's fused kernel. `random`: queries, keys and values are normal numbers, of which no page can be left unread with a
proof. `concentrated`: the same, but four keys of each head also point where its query does (their scores are near 40,
others between -5 and 5), at most 100 keys from the middle of the source, so that heads look near one place. `step_mb`
is what a call allocates at most, `index_mb` what was noted of the keys; keys and values themselves are `source_mb`.
`error` is the largest difference of a number of the context to dense, over the range of that number over all values.
`kept` measures keys and values in fewer bits, by `Chunked`, at one length. `shared` measures the cross-attentions of
six layers of width 512 together, one step of all: top-k over keys and values of each layer, or over the encoder's
states alone, of which they share one copy.
"""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import torch

from allocated import peak_bytes
from clock import interleaved, ratios, spread
from report import arguments, write
from weft.attention import Backend, Chunked, Full, Fused, KeyValues, Moving, Pages, TopK
from weft.attention.linear import Linear
from weft.attention.pooled import Pooled
from weft.base.shapes import Float, Tensor
from weft.layers.attention import CrossAttention, Heads
from weft.layers.length_scaling import Unscaled
from weft.layers.null import NoNull

LENGTHS = (512, 2048, 8192, 16384, 32768, 131072, 524288, 1048576)
LAYERS = 6
HEADS, WIDTH, NEEDLES, STRENGTH = 8, 64, 4, 5.0
TOLERANCE = 1e-3
MEGABYTE = 1e6
WAYS: dict[str, Callable[[], Backend]] = {
    "dense": Fused,
    "chunked": Chunked,
    "pages": lambda: Pages(tolerance=TOLERANCE),
    "top-k": TopK,
    "window": Moving,
    "linear": Linear,
    "pooled": Pooled,
}
APPROXIMATES_SOFTMAX = ("chunked", "pages", "top-k", "window")
"""Whose context is to be near that of dense; the others are models of their own."""


def main() -> None:
    parser = arguments(__doc__, "long_sources")
    parser.add_argument("--lengths", type=int, nargs="+", default=LENGTHS)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--append", action="store_true", help="keep what --out holds of other lengths")
    parser.add_argument("--kept-length", type=int, default=32768, help="where keys and values in fewer bits are tried")
    parser.add_argument(
        "--shared-lengths", type=int, nargs="+", default=(8192, 32768), help="where layers share states"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    found: dict[str, Any] = {"results": [], "kept": []}
    if options.append:
        found = json.loads(options.out.read_text(encoding="utf-8"))
    settings = {"heads": HEADS, "width": WIDTH, "needles": NEEDLES, "strength": STRENGTH, "tolerance": TOLERANCE}
    with torch.inference_mode():
        kept = found["kept"] or list(_kept(options.kept_length, options.repetitions))
        shared = found.get("shared") or [_shared(length, options.repetitions) for length in options.shared_lengths]
        for length in options.lengths:
            others = [one for one in found["results"] if one["length"] != length]
            found["results"] = sorted([*others, *_of_length(length, options)], key=lambda one: one["length"])
            write(options.out, {"settings": settings, "results": found["results"], "kept": kept, "shared": shared})
    draw(options.out, options.out.with_suffix(".png"))


def _of_length(length: int, options: Namespace) -> Iterator[dict[str, Any]]:
    """Every way on concentrated attention; on random keys dense and those whose time depends on the keys."""
    q, k, v = _random(length)
    yield _measured("random", length, q, k, v, ["dense", "pages", "window"], options.repetitions)
    _concentrate(q, k)
    yield _measured("concentrated", length, q, k, v, list(WAYS), options.repetitions)


def _random(length: int) -> tuple[Tensor, Tensor, Tensor]:
    random = torch.Generator().manual_seed(length)
    q = torch.randn(1, HEADS, 1, WIDTH, generator=random)
    k, v = (torch.empty(1, HEADS, length, WIDTH).normal_(generator=random) for _ in range(2))
    return q, k, v


def _concentrate(q: Tensor, k: Tensor) -> None:
    """Lets a few keys of each head, in place, point where the head's query does."""
    random = torch.Generator().manual_seed(1)
    for head in range(HEADS):
        places = k.shape[2] // 2 + torch.randint(-100, 100, (NEEDLES,), generator=random)
        k[0, head, places] = k[0, head, places] + STRENGTH * q[0, head]


def _measured(
    keys: str, length: int, q: Tensor, k: Tensor, v: Tensor, names: list[str], repetitions: int
) -> dict[str, Any]:
    backends = {name: WAYS[name]() for name in names}
    memories = {name: backend.prepare(k, v, mask=None) for name, backend in backends.items()}
    wanted = backends["dense"].attend(q, memories["dense"])
    span = v.amax(2, keepdim=True) - v.amin(2, keepdim=True)
    took = interleaved({name: _step(backends[name], q, memories[name]) for name in names}, repetitions)
    ways = {}
    for name, backend in backends.items():
        found = ways[name] = {
            "cpu_ms": spread([1e3 * one.cpu for one in took[name]]),
            "over_dense": ratios(took[name], took["dense"])["cpu"],
            "index_mb": round(_index_bytes(memories[name]) / MEGABYTE, 3),
            "step_mb": round(peak_bytes(_step(backend, q, memories[name])) / MEGABYTE, 3),
        }
        if name in APPROXIMATES_SOFTMAX:
            found["error"] = _error(backend.attend(q, memories[name]), wanted, span)
        if isinstance(backend, Pages | TopK | Moving):
            found["tally"] = backend.tally.to_json()
        print(keys, length, name, json.dumps(found), flush=True)
    return {"keys": keys, "length": length, "source_mb": round(2 * k.numel() * 4 / MEGABYTE, 1), "ways": ways}


def _step(backend: Backend, q: Tensor, memory: KeyValues) -> Callable[[], Tensor]:
    return lambda: backend.attend(q, memory)


def _error(found: Tensor, wanted: Tensor, span: Float[Tensor, "1 h 1 e"]) -> float:
    return float(((found - wanted).abs() / span).max())


def _index_bytes(memory: KeyValues) -> int:
    if memory.index is None:
        return 0
    parts = (getattr(memory.index, field.name) for field in fields(memory.index))  # type: ignore[arg-type]
    return sum(part.numel() * part.element_size() for part in parts if isinstance(part, Tensor))


def _kept(length: int, repetitions: int) -> Iterator[dict[str, Any]]:
    """Keys and values in float32, bfloat16 and int8: what they take, what a step takes, and what it gets wrong."""
    q, k, v = _random(length)
    for keys in ("random", "concentrated"):
        if keys == "concentrated":
            _concentrate(q, k)
        backends = {numbers: Chunked(numbers=numbers) for numbers in ("float32", "bfloat16", "int8")}
        memories = {numbers: backend.prepare(k, v) for numbers, backend in backends.items()}
        took = interleaved({name: _step(backends[name], q, memories[name]) for name in backends}, repetitions)
        wanted = Fused().attend(q, Fused().prepare(k, v))
        span = v.amax(2, keepdim=True) - v.amin(2, keepdim=True)
        for numbers, memory in memories.items():
            units = 0 if memory.units is None else memory.units.k.numel() + memory.units.v.numel()
            size = memory.k.numel() * memory.k.element_size() + memory.v.numel() * memory.v.element_size() + 4 * units
            yield {
                "keys": keys,
                "length": length,
                "numbers": numbers,
                "source_mb": round(size / MEGABYTE, 1),
                "cpu_ms": spread([1e3 * one.cpu for one in took[numbers]]),
                "error": _error(backends[numbers].attend(q, memory), wanted, span),
            }


def _shared(length: int, repetitions: int) -> dict[str, Any]:
    """Six layers that read a source of so many states, which they share or of which each has keys and values."""
    random = torch.Generator().manual_seed(length)
    states = torch.randn(1, length, HEADS * WIDTH, generator=random)
    x = torch.randn(1, 1, HEADS * WIDTH, generator=random)
    layers = {name: [_layer(name) for _ in range(LAYERS)] for name in ("dense", "top-k", "top-k-shared")}
    for ours, theirs in zip(layers["top-k"], layers["top-k-shared"], strict=True):
        theirs.load_state_dict(ours.state_dict())
    apart = [layer.prepare(states, Full()) for layer in layers["top-k"]]
    one = layers["top-k-shared"][0].prepare(states, Full())
    memories = {"dense": apart, "top-k": apart, "top-k-shared": [one] * LAYERS}

    def step(name: str) -> list[Tensor]:
        return [layer(x, memory) for layer, memory in zip(layers[name], memories[name], strict=True)]

    took = interleaved({name: partial(step, name) for name in layers}, repetitions)
    wanted = torch.stack(step("top-k"))
    ways = {
        name: {
            "source_mb": round(_bytes_of(memories[name]) / MEGABYTE, 1),
            "cpu_ms": spread([1e3 * one.cpu for one in took[name]]),
            "over_dense": ratios(took[name], took["dense"])["cpu"],
            "step_mb": round(peak_bytes(partial(step, name)) / MEGABYTE, 3),
        }
        for name in layers
    }
    off = float((torch.stack(step("top-k-shared")) - wanted).abs().max() / wanted.abs().max())
    print("shared", length, json.dumps(ways), off, flush=True)
    return {"length": length, "layers": LAYERS, "ways": ways, "off": off}


def _layer(name: str) -> CrossAttention:
    heads, width = Heads(HEADS, HEADS, WIDTH, WIDTH), HEADS * WIDTH
    scale = WIDTH**-0.5
    backend: Backend = Fused(scale) if name == "dense" else TopK(scale)
    return CrossAttention(
        width,
        heads,
        memory_width=width,
        backend=backend,
        dropout=0.0,
        site=name,
        null=NoNull(),
        length_scaling=Unscaled(),
        shares=name == "top-k-shared",
    )


def _bytes_of(memories: list[KeyValues]) -> int:
    """What keys and values take; what is the same is counted once."""
    storages = {
        x.untyped_storage().data_ptr(): x.untyped_storage().nbytes() for one in memories for x in (one.k, one.v)
    }
    return sum(storages.values())


def draw(results: Path, picture: Path) -> None:
    """Time and memory of a step against the length of the source, both axes logarithmic."""
    from matplotlib.figure import Figure

    found = json.loads(results.read_text(encoding="utf-8"))["results"]
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    time, memory = figure.subplots(1, 2)
    for name in WAYS:
        points = [(one["length"], one["ways"][name]) for one in found if one["keys"] == "concentrated"]
        lengths = [length for length, _ in points]
        time.plot(lengths, [way["cpu_ms"]["median"] for _, way in points], marker="o", ms=3, label=name)
        memory.plot(lengths, [max(1e-3, way["step_mb"] + way["index_mb"]) for _, way in points], marker="o", ms=3)
    points = [(one["length"], one["ways"]["pages"]) for one in found if one["keys"] == "random"]
    dashed = {"ls": "--", "color": "C2", "label": "pages, random keys"}
    time.plot([length for length, _ in points], [way["cpu_ms"]["median"] for _, way in points], **dashed)
    for axes, title in ((time, "CPU time of a step, ms"), (memory, "memory beside the source, MB")):
        axes.set(xscale="log", yscale="log", xlabel="source length, keys", title=title)
        axes.grid(True, which="major", alpha=0.3)
    time.legend(fontsize=8)
    figure.savefig(picture, dpi=110)
    print(f"written: {picture}", flush=True)


if __name__ == "__main__":
    main()
