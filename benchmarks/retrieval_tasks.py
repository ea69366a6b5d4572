"""Tasks that want single words of a long source: what `retrieval.py` trains and tests on.

A source is noise in which pairs of a key and a value stand, each pair one token, so that nothing but cross-attention
decides who finds it. Every position of the target asks for one value:

- needle: one pair, whose key is always the same;
- pairs: as many pairs as a sixteenth of the length (all keys at most), of different keys; up to sixteen are asked for;
- in order: sixteen pairs whose keys are the same and stand in the same order, wherever they stand; target position i
  asks for the i-th (a sorted copy).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch

from weft.base.shapes import Int, Tensor

Task = Literal["needle", "pairs", "in order"]
TASKS: tuple[Task, ...] = get_args(Task)

NUM_KEYS, NUM_VALUES, NUM_NOISE = 128, 16, 64
NEEDLE, FIRST, NEXT = range(3)
FIRST_KEY = 3
FIRST_VALUE = FIRST_KEY + NUM_KEYS
FIRST_NOISE = FIRST_VALUE + NUM_VALUES
FIRST_PAIR = FIRST_NOISE + NUM_NOISE  # of key and value numbers: FIRST_PAIR + key * NUM_VALUES + value
VOCABULARY_SIZE = FIRST_PAIR + NUM_KEYS * NUM_VALUES
ASKED = 16


@dataclass(frozen=True)
class Asked:
    """Sources `[b s]`, what the decoder is given `[b t]`, and the value that it is asked for at each step `[b t]`."""

    source: Int[Tensor, "b s"]
    given: Int[Tensor, "b t"]
    wanted: Int[Tensor, "b t"]


def draw(task: Task, *, num: int, length: int, generator: torch.Generator) -> Asked:
    """`num` sources of `length` tokens and what is asked of them; `wanted` counts from 0."""
    num_pairs = {"needle": 1, "pairs": min(NUM_KEYS, max(2, length // 16)), "in order": min(ASKED, length // 4)}[task]
    keys = (
        _orders(num, NUM_KEYS, generator)[:, :num_pairs] if task == "pairs" else torch.arange(num_pairs).expand(num, -1)
    )
    values = torch.randint(NUM_VALUES, keys.shape, generator=generator)
    places = _orders(num, length, generator)[:, :num_pairs].sort(1).values
    source = torch.randint(FIRST_NOISE, FIRST_PAIR, (num, length), generator=generator)
    source.scatter_(1, places, FIRST_PAIR + keys * NUM_VALUES + values)
    if task == "pairs":
        which = _orders(num, num_pairs, generator)[:, :ASKED]
        return Asked(source, FIRST_KEY + keys.gather(1, which), values.gather(1, which))
    given = torch.full_like(keys, NEXT)
    given[:, 0] = NEEDLE if task == "needle" else FIRST
    return Asked(source, given, values)


def _orders(num: int, length: int, generator: torch.Generator) -> Int[Tensor, "num length"]:
    """A random order of the first numbers in each row."""
    return torch.rand(num, length, generator=generator).argsort(1)
