"""What batches by token budget save: padding, and with it training time, against random batches of a fixed count.

    python benchmarks/padding_and_training.py [--pairs FILE.tsv.gz] [--rows 100000] [--bfloat16]
                                              [--out benchmarks/results/padding_and_training.json]

Padding efficiency is real positions over all positions, source and target, over one epoch, at budgets of 1,024 to
8,192 tokens. The random batches beside it have as many pairs each as the budgeted ones have on average, so that both
make equally many updates of an epoch. Training speed is real source and target tokens a second in float32, with
bfloat16 beside it if asked for, for the presets tiny and small on one thread: weft's own loop for both kinds of
batches, whose updates take turns. Pairs are those of `--pairs`, else of Tatoeba English-French where the shared data
lie beside the repository, else made up with a seed; the report says which.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from clock import Took, interleaved, ratios, spread
from report import arguments, write
from weft.data.batch import Batch, Plan, TokenBatches, padding_efficiency
from weft.data.corpus import PairCorpus
from weft.data.text import read_pairs
from weft.data.tokenizer import Tokenizer
from weft.models.build import build
from weft.models.config import ModelConfig
from weft.models.presets import PRESETS
from weft.training.config import TrainingConfig
from weft.training.loop import Loop
from weft.training.team import Team

TATOEBA = Path(__file__).parents[2] / "shared" / "data" / "parallel" / "tatoeba.en-fr.tsv.gz"
BUDGETS = (1024, 2048, 4096, 8192)
TARGET = 0.9


class RandomBatches:
    """The same pairs in random batches of `count` pairs: what one writes first."""

    def __init__(self, budgeted: TokenBatches, corpus: PairCorpus, *, count: int, seed: int) -> None:
        self._budgeted, self._corpus, self._count, self._seed = budgeted, corpus, count, seed
        self._waiting: list[Plan] = []
        self._epoch = 0

    def group(self, count: int) -> list[Plan]:
        while len(self._waiting) < count:
            self._waiting += self.plan(self._epoch)
            self._epoch += 1
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        return taken

    def build(self, plan: Plan) -> Batch:
        return self._budgeted.build(plan)

    def plan(self, epoch: int) -> list[Plan]:
        rows = np.random.default_rng([self._seed, epoch]).permutation(len(self._corpus))
        return [Plan(epoch, rows[start : start + self._count]) for start in range(0, len(rows), self._count)]

    def state_dict(self) -> dict[str, int]:
        return {"epoch": self._epoch}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        raise NotImplementedError("a benchmark is not resumed")


def both_kinds(corpus: PairCorpus, *, tokens: int, seed: int) -> tuple[TokenBatches, RandomBatches]:
    """Batches of at most `tokens` tokens, and random ones of as many pairs each as those have on average."""
    budgeted = TokenBatches(corpus, tokens=tokens, seed=seed)
    count = max(1, round(len(corpus) / len(budgeted.plan(0))))
    return budgeted, RandomBatches(budgeted, corpus, count=count, seed=seed)


def padding(corpus: PairCorpus, *, tokens: int, seed: int) -> dict[str, Any]:
    """Padding efficiency of one epoch of both kinds of batches."""
    budgeted, random = both_kinds(corpus, tokens=tokens, seed=seed)
    plans, random_plans = budgeted.plan(0), random.plan(0)
    return {
        "budget": tokens,
        "batches": len(plans),
        "pairs_per_batch": round(len(corpus) / len(plans), 1),
        "efficiency": round(padding_efficiency(map(budgeted.build, plans)), 4),
        "efficiency_random": round(padding_efficiency(map(random.build, random_plans)), 4),
    }


def training(
    corpus: PairCorpus, vocabulary_size: int, preset: str, precision: str, options: Namespace
) -> dict[str, Any]:
    """Real tokens a second of training on both kinds of batches; a run is `updates` updates of one of them."""
    config = TrainingConfig(steps=1_000_000, batch_tokens=options.budget, precision=precision, warmup_steps=1000)
    shape = ModelConfig.model_validate({**PRESETS[preset], "vocabulary_size": vocabulary_size})
    kinds = dict(zip(("budgeted", "random"), both_kinds(corpus, tokens=options.budget, seed=options.seed), strict=True))
    loops: dict[str, Loop] = {}
    for kind, batches in kinds.items():
        torch.manual_seed(options.seed)
        loops[kind] = Loop(build(shape), batches, config, seed=options.seed, team=Team())
    tokens: dict[str, list[int]] = {kind: [] for kind in loops}
    took = interleaved(
        {kind: partial(updates, loop, options.updates, tokens[kind]) for kind, loop in loops.items()}, options.runs
    )
    rates = {kind: per_token(took[kind], tokens[kind][-options.runs :]) for kind in loops}
    cpu = {kind: spread([1 / one.cpu for one in of_kind], 1) for kind, of_kind in rates.items()}
    wall = {kind: spread([1 / one.wall for one in of_kind], 1) for kind, of_kind in rates.items()}
    return {
        "preset": preset,
        "precision": precision,
        "budget": options.budget,
        "updates_per_run": options.updates,
        "tokens_per_cpu_second": cpu,
        "tokens_per_second": wall,
        "budgeted_over_random": ratios(rates["random"], rates["budgeted"]),
    }


def updates(loop: Loop, count: int, tokens: list[int]) -> None:
    before = loop.progress.tokens
    for _ in range(count):
        loop.update()
    tokens.append(loop.progress.tokens - before)


def per_token(runs: list[Took], tokens: list[int]) -> list[Took]:
    """Seconds a real token."""
    return [Took(run.wall / count, run.cpu / count) for run, count in zip(runs, tokens, strict=True)]


def made_up(count: int, seed: int) -> Iterator[tuple[str, str]]:
    """Pairs of made-up sentences: lengths log-normal with median 8 words, a target 0.7 to 1.4 times its source."""
    random = np.random.default_rng(seed)
    syllables = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
    words = ["".join(random.choice(syllables, size=random.integers(1, 4))) for _ in range(5000)]
    for _ in range(count):
        length = int(np.clip(random.lognormal(np.log(8), 0.6), 1, 80))
        lengths = (length, max(1, round(length * random.uniform(0.7, 1.4))))
        source, target = (" ".join(words[rank % 5000] for rank in random.zipf(1.3, size=n)) for n in lengths)
        yield source, target


def read(options: Namespace) -> tuple[str, list[tuple[str, str]]]:
    """What the pairs are, and the pairs."""
    path = options.pairs or (TATOEBA if TATOEBA.exists() else None)
    if path is None:
        return f"made up, seed {options.seed}", list(made_up(options.rows, options.seed))
    return path.name, list(islice(read_pairs(path, columns=tuple(options.columns)), options.rows))


def main() -> None:
    parser = arguments(__doc__, "padding_and_training")
    parser.add_argument("--pairs", type=Path, help="a TSV of sentence pairs, plain or compressed")
    parser.add_argument("--columns", type=int, nargs=2, default=[0, 1])
    parser.add_argument("--rows", type=int, default=100_000, help="read so many pairs")
    parser.add_argument("--presets", nargs="+", choices=list(PRESETS), default=["tiny", "small"])
    parser.add_argument("--bfloat16", action="store_true", help="train in bfloat16 too")
    parser.add_argument("--budget", type=int, default=4096, help="tokens of a batch for training")
    parser.add_argument("--updates", type=int, default=4, help="updates of a run")
    parser.add_argument("--runs", type=int, default=7, help="runs of each kind of batches")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    name, pairs = read(options)
    tokenizer = Tokenizer.train((text for pair in pairs for text in pair), vocabulary_size=8000, languages=["xx"])
    corpus = PairCorpus.build(pairs, tokenizer, target_language="xx", name=name)
    paddings = [padding(corpus, tokens=budget, seed=options.seed) for budget in BUDGETS]
    for one in paddings:
        print(f"{one['budget']} tokens: {one['efficiency']:.3f}, random {one['efficiency_random']:.3f}", flush=True)
    precisions = ["float32", *(["bfloat16"] if options.bfloat16 else [])]
    trainings = []
    for preset in options.presets:
        for precision in precisions:
            trainings.append(training(corpus, tokenizer.vocabulary_size, preset, precision, options))
            one = trainings[-1]["tokens_per_cpu_second"]
            gain = trainings[-1]["budgeted_over_random"]["cpu"]["median"]
            print(
                f"{preset}, {precision}: {one['budgeted']['median']:.0f} tokens per CPU second, "
                f"random {one['random']['median']:.0f}, x {gain:.2f}",
                flush=True,
            )
    lengths = corpus.lengths(0)
    described = {
        "pairs": name,
        "rows": len(corpus),
        "median_tokens": [median(lengths.source.tolist()), median(lengths.target.tolist())],
    }
    write(options.out, {"data": described, "target": TARGET, "padding": paddings, "training": trainings})


if __name__ == "__main__":
    main()
