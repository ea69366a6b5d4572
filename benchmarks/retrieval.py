"""What each way of reading a long source finds in it: small models, trained here on short sources, asked of long ones.

    python benchmarks/retrieval.py [--seeds 1 2 3] [--trained dense ...] [--out benchmarks/results/retrieval.json]

The tasks are those of `retrieval_tasks.py`. One model learns all three, at lengths 8 to 64 first, then 256 to 1,024,
and is asked at 256 to 65,536. What needs no training reads the very weights of the dense models; each trained way has
models of its own, of the same steps and batches. `tally` is the share of queries that read every key after all. A model
that was measured is kept in the JSON file at once, and not trained again when the command is given again.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from report import arguments, write
from retrieval_figures import draw as draw_results
from retrieval_tasks import FIRST_NOISE, FIRST_VALUE, TASKS, VOCABULARY_SIZE, Asked, Task, draw
from weft.attention import Tally
from weft.base.padded import Padded
from weft.base.shapes import Float, Tensor
from weft.models.build import build
from weft.models.config import ModelConfig
from weft.models.readers import read_by
from weft.models.reading import Reading

LENGTHS = (256, 1024, 4096, 16384, 65536)
LONGEST_TRAINED = 1024
QUERIES = 256
"""At least so many are asked of every task and length, if so many tokens hold them:"""
TOKENS = 1 << 20
AT_ONCE = 1 << 18
"""Source tokens that are read together."""


@dataclass(frozen=True)
class Plan:
    """Adam with a warm-up and half a cosine, down to a hundredth; each update sees one batch of every task."""

    steps: int = 600
    learning_rate: float = 5e-3
    warmup: int = 50
    tokens: int = 4096

    def rate(self, step: int) -> float:
        return self.learning_rate * min(
            (step + 1) / self.warmup, 0.01 + 0.495 * (1 + math.cos(math.pi * step / self.steps))
        )

    def length(self, step: int, generator: torch.Generator) -> int:
        """Of the sources of an update: grows, then is drawn from the longer ones."""
        done = step / self.steps
        if done < 0.35:
            return (8, 16, 32, 64)[int(done / 0.35 * 4)]
        lengths = (64, 128, 256) if done < 0.5 else (256, 512, LONGEST_TRAINED)
        return lengths[int(torch.randint(3, (1,), generator=generator))]


TRAINED: dict[str, dict[str, Any]] = {
    "dense": {},
    "dense, learned log n": {"reading": {"length_scaling": "learned", "trained_length": 256}},
    "linear": {"attention": "linear"},
    "favor": {"attention": "favor"},
    "pooled": {"attention": "pooled"},
    "linear below, dense above": {"attention": ("linear", "dense")},
}
"""What models are trained with, by the name of the row."""

READ: dict[str, dict[str, tuple[str, Reading]]] = {
    name: {
        **(
            {"dense, log n at load": ("dense", Reading(length_scaling="log", trained_length=LONGEST_TRAINED))}
            if plain
            else {}
        ),
        f"pages{of}": ("pages", Reading()),
        f"top-k{of}": ("top-k", Reading()),
        f"window{of}": ("window", Reading()),
    }
    for name, of, plain in (("dense", "", True), ("dense, learned log n", ", learned log n", False))
}
"""How else the models of a row are read, without training."""


def shape(name: str) -> ModelConfig:
    """Two decoder layers of width 64 over the embedded source: nothing but cross-attention can find anything."""
    return ModelConfig.model_validate(
        {
            "vocabulary_size": VOCABULARY_SIZE,
            "width": 64,
            "num_heads": 4,
            "feedforward_width": 128,
            "encoder_layers": 0,
            "decoder_layers": 2,
            "position": "rotary",
            "dropout": 0.0,
            **TRAINED[name],
        }
    )


def value_logits(model: Any, asked: Asked) -> Float[Tensor, "b t values"]:
    """Of each value, after every position of what the decoder is given."""
    logits = model(Padded(asked.source, torch.ones_like(asked.source, dtype=torch.bool)), asked.given)
    return logits[..., FIRST_VALUE:FIRST_NOISE]


def trained(name: str, seed: int, plan: Plan) -> tuple[Any, dict[str, float]]:
    """A model of this row, and what it took."""
    torch.manual_seed(seed)
    model = build(shape(name)).train()
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=plan.learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
    begun, loss = time.process_time(), torch.tensor(math.nan)
    for step in range(plan.steps):
        optimizer.param_groups[0]["lr"] = plan.rate(step)
        length = plan.length(step, generator)
        num = min(256, max(4, plan.tokens // length))
        batches = [draw(task, num=num, length=length, generator=generator) for task in TASKS]
        loss = torch.stack(
            [F.cross_entropy(value_logits(model, one).flatten(0, 1), one.wanted.flatten()) for one in batches]
        ).sum()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return model.eval(), {"cpu_seconds": round(time.process_time() - begun, 1), "final_loss": round(loss.item(), 4)}


@torch.inference_mode()
def right(model: Any, task: Task, length: int) -> list[bool]:
    """Whether each query was answered rightly; the same sources for every model."""
    generator = torch.Generator().manual_seed(1000 + length)
    found: list[bool] = []
    for _ in range(TOKENS // AT_ONCE):
        asked = draw(task, num=max(1, min(64, AT_ONCE // length)), length=length, generator=generator)
        found += (value_logits(model, asked).argmax(-1) == asked.wanted).flatten().tolist()
        if len(found) >= QUERIES:
            break
    return found


def accuracies(model: Any, tally: Tally | None = None) -> list[dict[str, Any]]:
    """Accuracy at each task and length, and how many of the queries read every key after all."""
    rows = []
    for task in TASKS:
        for length in LENGTHS:
            before = replace(tally) if tally else None
            begun = time.process_time()
            answers = right(model, task, length)
            row = {"task": task, "length": length, "queries": len(answers), "accuracy": sum(answers) / len(answers)}
            row["cpu_seconds"] = round(time.process_time() - begun, 2)
            if tally and before and tally.rows > before.rows:
                row["read_all"] = round((tally.dense_rows - before.dense_rows) / (tally.rows - before.rows), 4)
            rows.append(row)
    return rows


def measure(name: str, seed: int, plan: Plan) -> dict[str, Any]:
    """Trains one model and asks it, read as it was trained and in the ways that need no training."""
    model, cost = trained(name, seed, plan)
    ways = {name: accuracies(model)}
    for way, (attention, told) in READ.get(name, {}).items():
        ways[way] = accuracies(model, read_by(model, shape(name), attention, told))
    return {"trained": name, "seed": seed, **cost, "ways": ways}


def kept(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text(encoding="utf-8"))["models"] if path.exists() else []


def report(models: Sequence[dict[str, Any]]) -> None:
    one = models[-1]
    for way, rows in one["ways"].items():
        line = "  ".join(f"{row['task']} {row['length']}: {row['accuracy']:.2f}" for row in rows)
        print(f"{one['trained']} (seed {one['seed']}), read by {way}: {line}", flush=True)


def main() -> None:
    parser = arguments(__doc__, "retrieval")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--trained", nargs="+", choices=list(TRAINED), default=list(TRAINED), metavar="NAME")
    parser.add_argument("--draw", action="store_true", help="only draw what was measured, beside the JSON file")
    options = parser.parse_args()
    if options.draw:
        return draw_results(options.out, options.out.with_suffix(".png"))
    plan, models = Plan(), kept(options.out)
    for seed in options.seeds:
        for name in options.trained:
            if any((one["trained"], one["seed"]) == (name, seed) for one in models):
                continue
            models.append(measure(name, seed, plan))
            report(models)
            write(options.out, {"plan": asdict(plan), "trained_to": LONGEST_TRAINED, "models": models})
    return draw_results(options.out, options.out.with_suffix(".png"))


if __name__ == "__main__":
    main()
