"""Several models that vote as one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from weft.base.errors import ConfigError
from weft.base.padded import Padded
from weft.base.shapes import Float, Int, Tensor
from weft.generation.logits import log_probabilities
from weft.generation.protocol import Seq2Seq


@dataclass(frozen=True)
class Memories:
    """Each member's memory of the same sources."""

    members: tuple[Any, ...]

    def select(self, rows: Int[Tensor, " m"]) -> Memories:
        return Memories(tuple(member.select(rows) for member in self.members))


@dataclass(frozen=True)
class Caches:
    """Each member's cache of the same hypotheses."""

    members: tuple[Any, ...]

    def reorder(self, parents: Int[Tensor, "b n"]) -> Caches:
        return Caches(tuple(member.reorder(parents) for member in self.members))

    def select(self, rows: Int[Tensor, " m"]) -> Caches:
        return Caches(tuple(member.select(rows) for member in self.members))


class Ensemble:
    """Speaks `Seq2Seq`: its logits are the log of the members' mean probability, so they are normalised already.

    The members share one vocabulary. A record sees the first member alone, so that a site has one entry a step.
    Raises `ConfigError` for no member, and for vocabularies of different sizes.
    """

    def __init__(self, members: Sequence[Seq2Seq]) -> None:
        sizes = [member.vocabulary_size for member in members]
        if len(set(sizes)) != 1:
            raise ConfigError(
                f"an ensemble needs one or more models of one vocabulary size, got sizes {sizes}; "
                "use models trained with the same tokenizer"
            )
        self.members = tuple(members)
        self.vocabulary_size = sizes[0]

    def encode(self, source: Padded) -> Memories:
        return Memories(tuple(member.encode(source) for member in self.members))

    def init_cache(self, memory: Memories, *, beam: int, capacity: int) -> Caches:
        pairs = zip(self.members, memory.members, strict=True)
        return Caches(tuple(member.init_cache(each, beam=beam, capacity=capacity) for member, each in pairs))

    def step(
        self, tokens: Int[Tensor, "b n"], cache: Caches, record: Any = None
    ) -> tuple[Float[Tensor, "b n w"], Caches]:
        records = (record, *(None for _ in self.members[1:]))
        triples = zip(self.members, cache.members, records, strict=True)
        stepped = [member.step(tokens, each, its_record) for member, each, its_record in triples]
        votes = torch.stack([log_probabilities(logits) for logits, _ in stepped])
        return votes.logsumexp(0) - math.log(len(votes)), Caches(tuple(each for _, each in stepped))
