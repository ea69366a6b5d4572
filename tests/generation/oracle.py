"""A model small enough to enumerate: its logits depend on the source and on every token read, in order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

import pytest
import torch
from torch import Tensor

from weft.base.padded import Padded
from weft.generation.hypothesis import Hypothesis

EOS = 2
START = 1
MODULUS = 2**31 - 1


@dataclass(frozen=True)
class OracleMemory:
    keys: Tensor

    def select(self, rows: Tensor) -> Self:
        return type(self)(self.keys[rows])


@dataclass
class OracleCache:
    """One number per hypothesis that stands for all it has read; spent once passed on."""

    state: Tensor
    capacity: int
    time: int = 0
    spent: bool = False

    def spend(self) -> None:
        assert not self.spent, "a cache was used after it was passed on"
        self.spent = True

    def reorder(self, parents: Tensor) -> OracleCache:
        self.spend()
        return OracleCache(self.state.gather(1, parents), self.capacity, self.time)

    def select(self, rows: Tensor) -> OracleCache:
        self.spend()
        return OracleCache(self.state[rows], self.capacity, self.time)


@dataclass
class Tape:
    """What a record sees: the state of every slot after each step."""

    states: list[Tensor] = field(default_factory=list)


@dataclass
class Oracle:
    """Speaks `Seq2Seq`. Logits are a seeded hash of the source and the whole prefix; `early` raises that of `</s>`."""

    vocabulary_size: int
    seed: int = 0
    sharpness: float = 2.0
    early: float = 0.0
    dtype: torch.dtype = torch.float64
    steps: int = 0

    def encode(self, source: Padded) -> OracleMemory:
        keys = torch.full((len(source),), 17 + self.seed)
        for values, keep in zip(source.values.T, source.keep.T, strict=True):
            keys = torch.where(keep, (keys * 48271 + values + 1) % MODULUS, keys)
        return OracleMemory(keys)

    def init_cache(self, memory: OracleMemory, *, beam: int, capacity: int) -> OracleCache:
        return OracleCache(memory.keys[:, None].repeat(1, beam), capacity)

    def step(self, tokens: Tensor, cache: OracleCache, record: Tape | None = None) -> tuple[Tensor, OracleCache]:
        assert cache.state.shape == tokens.shape
        assert cache.time < cache.capacity
        cache.spend()
        state = self.read(cache.state, tokens)
        if record is not None:
            record.states.append(state)
        self.steps += 1
        return self.logits(state), OracleCache(state, cache.capacity, cache.time + 1)

    def read(self, state: Tensor, tokens: Tensor) -> Tensor:
        """What stands for all that was read, after these tokens too."""
        return (state * 69621 + tokens * 7919 + 3) % MODULUS

    def logits(self, state: Tensor) -> Tensor:
        mixed = (state[..., None] % 99991) * (2 * torch.arange(self.vocabulary_size) + 37) + self.seed
        logits = self.sharpness * torch.sin((mixed % 100003).to(torch.float64))
        logits[..., EOS] += self.early
        return logits.to(self.dtype)


def sources(count: int, seed: int = 0) -> Padded:
    """Sources of different lengths, longest first."""
    generator = torch.Generator().manual_seed(seed)
    lengths = sorted((3 + 5 * i % 7 for i in range(count)), reverse=True)
    values = torch.randint(3, 97, (count, max(lengths)), generator=generator)
    keep = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    return Padded(values * keep, keep)


def asked(model: Any, source: Padded) -> dict[str, Any]:
    """The arguments of a search over these sources."""
    start = torch.full((len(source),), START)
    return {"memory": model.encode(source), "start": start, "source_lengths": source.lengths, "eos": EOS}


def log_probs_after(model: Oracle, source: Padded, row: int, tokens: tuple[int, ...]) -> Tensor:
    """The log-probabilities `[w]` of what follows these tokens, from scratch."""
    cache = model.init_cache(model.encode(source).select(torch.tensor([row])), beam=1, capacity=len(tokens) + 1)
    for token in (START, *tokens):
        logits, cache = model.step(torch.tensor([[token]]), cache)
    return logits[0, 0].log_softmax(-1)


def every_hypothesis(
    model: Oracle, source: Padded, row: int, *, longest: int, alpha: float
) -> list[tuple[bool, float, tuple[int, ...]]]:
    """All there is to find, as (cut, -score, tokens), in the order a search must rank it."""
    found = []
    open_: list[tuple[tuple[int, ...], float]] = [((), 0.0)]
    for length in range(1, longest + 1):
        longer = [
            ((*tokens, token), total + more)
            for tokens, total in open_
            for token, more in enumerate(log_probs_after(model, source, row, tokens).tolist())
        ]
        ended = [(tokens, total) for tokens, total in longer if tokens[-1] == EOS]
        found += [(False, -total / length**alpha, tokens) for tokens, total in ended]
        open_ = [(tokens, total) for tokens, total in longer if tokens[-1] != EOS]
    found += [(True, -total / longest**alpha, tokens) for tokens, total in open_]
    return sorted(found)


def same(found: Hypothesis, wanted: Hypothesis) -> None:
    """Asserts that two hypotheses are one, whatever slots they ran in."""
    assert found.tokens == wanted.tokens
    assert found.finished == wanted.finished
    assert found.token_log_probabilities == pytest.approx(wanted.token_log_probabilities, abs=1e-10)
    assert found.log_probability == pytest.approx(wanted.log_probability, abs=1e-10)
    assert found.score == pytest.approx(wanted.score, abs=1e-10)
