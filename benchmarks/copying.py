"""Exact match of held-out copying, for the Transformer and its two baselines, each trained here from nothing.

    python benchmarks/copying.py [--kinds transformer recurrent decoder_only] [--out benchmarks/results/copying.json]

A source is 5 to 10 symbols drawn at random, its target the same symbols. Held-out sequences are never trained on.
Decoding is greedy and goes through encode / init_cache / step, as every search does.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F

from report import arguments, write
from weft.base.padded import Padded, pad
from weft.base.shapes import Int, Tensor
from weft.models.build import build
from weft.models.config import ModelConfig

PAD, BOS, EOS, TAG, FIRST_SYMBOL = range(5)


@dataclass(frozen=True)
class Copying:
    """The task: `num_symbols` symbols, lengths `shortest` to `longest`, and how many sequences are held out."""

    num_symbols: int = 12
    shortest: int = 5
    longest: int = 10
    num_held_out: int = 1000

    @property
    def vocabulary_size(self) -> int:
        return FIRST_SYMBOL + self.num_symbols

    def held_out(self, generator: torch.Generator) -> list[tuple[int, ...]]:
        """Different sequences, as many of each length as of any other."""
        found: dict[tuple[int, ...], None] = {}
        lengths = range(self.shortest, self.longest + 1)
        while len(found) < self.num_held_out:
            found[self._draw(lengths[len(found) % len(lengths)], generator)] = None
        return list(found)

    def batches(
        self, size: int, held_out: list[tuple[int, ...]], generator: torch.Generator
    ) -> Iterator[list[tuple[int, ...]]]:
        """Endless batches of training sequences, of all lengths, none of them held out."""
        hidden = set(held_out)
        while True:
            lengths = torch.randint(self.shortest, self.longest + 1, (size,), generator=generator).tolist()
            drawn = [self._draw(length, generator) for length in lengths]
            yield [sequence for sequence in drawn if sequence not in hidden]

    def _draw(self, length: int, generator: torch.Generator) -> tuple[int, ...]:
        return tuple(torch.randint(FIRST_SYMBOL, self.vocabulary_size, (length,), generator=generator).tolist())


@dataclass(frozen=True)
class Plan:
    """How one model is trained: Adam, linear warm-up over `warmup` steps, then a half cosine down to 0 at `steps`."""

    steps: int
    learning_rate: float
    batch_size: int = 64
    warmup: int = 100
    clip: float = 1.0
    seed: int = 1


PLANS = {
    "transformer": Plan(steps=600, learning_rate=3e-3),
    "recurrent": Plan(steps=3000, learning_rate=3e-3),
    "decoder_only": Plan(steps=900, learning_rate=3e-3),
}


def small(kind: str, task: Copying, *, width: int | None = None) -> ModelConfig:
    """A small model of a kind: two layers in all, no dropout; the one vector of the recurrent model must be wider."""
    width = width or (128 if kind == "recurrent" else 64)
    return ModelConfig.model_validate(
        {
            "kind": kind,
            "vocabulary_size": task.vocabulary_size,
            "width": width,
            "feedforward_width": 2 * width,
            "encoder_layers": 1,
            "decoder_layers": 2 if kind == "decoder_only" else 1,
            "dropout": 0.0,
        }
    )


def train(model: torch.nn.Module, task: Copying, plan: Plan, held_out: list[tuple[int, ...]]) -> float:
    """Trains the model in place: the loss of the last step, in nats a token."""
    optimizer = torch.optim.Adam(model.parameters(), lr=plan.learning_rate, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, plan))
    batches = task.batches(plan.batch_size, held_out, torch.Generator().manual_seed(plan.seed))
    loss = torch.tensor(math.nan)
    model.train()
    for _ in range(plan.steps):
        loss = copying_loss(model, next(batches))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), plan.clip)
        optimizer.step()
        schedule.step()
    model.eval()
    return loss.item()


def _rate(step: int, plan: Plan) -> float:
    rising = (step + 1) / plan.warmup
    falling = 0.5 * (1 + math.cos(math.pi * step / plan.steps))
    return min(rising, falling)


def copying_loss(model: torch.nn.Module, sequences: list[tuple[int, ...]]) -> Tensor:
    """Cross-entropy over real target tokens, in nats a token."""
    target = pad([[TAG, *sequence] for sequence in sequences])
    wanted = pad([[*sequence, EOS] for sequence in sequences])
    logits = model(sources(sequences), target.values)
    return F.cross_entropy(logits[wanted.keep], wanted.values[wanted.keep])


def sources(sequences: list[tuple[int, ...]]) -> Padded:
    return pad([[*sequence, EOS] for sequence in sequences])


@torch.inference_mode()
def greedy(model: Any, source: Padded, *, capacity: int) -> Int[Tensor, "b t"]:
    """The most probable token at each of `capacity` steps, through the three verbs; what follows </s> means nothing."""
    cache = model.init_cache(model.encode(source), beam=1, capacity=capacity)
    tokens, written = torch.full((len(source), 1), TAG), []
    for _ in range(capacity):
        logits, cache = model.step(tokens, cache)
        tokens = logits.argmax(-1)
        written.append(tokens)
    return torch.cat(written, 1)


def exact_match(model: Any, sequences: list[tuple[int, ...]]) -> float:
    """The share of sequences that are copied to the last symbol and then ended with </s>."""
    wanted = pad([[*sequence, EOS] for sequence in sequences])
    written = greedy(model, sources(sequences), capacity=wanted.values.shape[1])
    right = (written == wanted.values) | ~wanted.keep
    return float(right.all(1).double().mean())


def measure(config: ModelConfig, task: Copying, plan: Plan) -> dict[str, Any]:
    """Trains and tests one model: exact match over all lengths and for each, with what it took."""
    held_out = task.held_out(torch.Generator().manual_seed(0))
    torch.manual_seed(plan.seed)
    model = build(config)
    begun = time.perf_counter()
    loss = train(model, task, plan, held_out)
    seconds = time.perf_counter() - begun
    by_length = {
        length: exact_match(model, [sequence for sequence in held_out if len(sequence) == length])
        for length in range(task.shortest, task.longest + 1)
    }
    return {
        "exact_match": exact_match(model, held_out),
        "exact_match_by_length": by_length,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "final_loss": loss,
        "train_seconds": round(seconds, 1),
        "plan": asdict(plan),
        "model": config.model_dump(),
    }


def main() -> None:
    parser = arguments(__doc__, "copying")
    parser.add_argument("--kinds", nargs="+", choices=list(PLANS), default=list(PLANS))
    options = parser.parse_args()
    task = Copying()
    results = {}
    for kind in options.kinds:
        results[kind] = measure(small(kind, task), task, PLANS[kind])
        print(
            f"{kind}: exact match {results[kind]['exact_match']:.1%} after {results[kind]['train_seconds']} s",
            flush=True,
        )
    write(options.out, {"task": asdict(task), "results": results})


if __name__ == "__main__":
    main()
