"""Batches by token budget: pairs of like lengths together, shuffled by a seed, continued exactly where they stopped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from weft.base.edges import Edges
from weft.base.errors import ConfigError
from weft.base.padded import Padded
from weft.base.shapes import Int, Tensor
from weft.base.sources import Sources
from weft.data.corpus import Example, Lengths
from weft.data.stream import Plan, Stream
from weft.data.tokenizer import EOS, PAD

Rows = NDArray[np.int64]


class Examples(Protocol):
    """What batches are made of: a corpus, a mixture of several, or one of these seen through BPE dropout."""

    def __len__(self) -> int: ...

    def lengths(self, epoch: int) -> Lengths:
        """The numbers of tokens of each row; as the ids, they may differ from epoch to epoch."""
        ...

    def draw(self, epoch: int) -> Rows:
        """The rows to visit in an epoch, a pure function of its number; a row may come more than once."""
        ...

    def example(self, row: int, epoch: int) -> Example:
        """The token ids of a row."""
        ...


@dataclass(frozen=True)
class Batch:
    """Source ids end with `</s>`; the decoder reads tag + tokens and is to write tokens + `</s>`."""

    source: Padded | Sources
    target_input: Int[Tensor, "b t"]
    target_output: Padded
    epoch: int
    rows: Rows
    edges: Edges
    """What the tokens of target came from, where somebody said so."""

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def padded_tokens(self) -> int:
        """Positions of source and target, padding included: what the budget counts."""
        return self.source.keep.numel() + self.target_output.keep.numel()

    @property
    def real_tokens(self) -> int:
        """Positions of source and target that are not padding."""
        return int(self.source.keep.sum() + self.target_output.keep.sum())

    def to(self, device: torch.device | str) -> Batch:
        return Batch(
            self.source.to(device),
            self.target_input.to(device),
            self.target_output.to(device),
            self.epoch,
            self.rows,
            self.edges.to(device),
        )


def collate(examples: Sequence[Example], *, epoch: int, rows: Rows) -> Batch:
    """One padded batch of the examples, in their order."""
    source = ended([example.source for example in examples])
    target_output = ended([example.target for example in examples])
    target_input = shifted(target_output, torch.tensor([example.tag for example in examples]))
    return Batch(source, target_input, target_output, epoch, rows, _edges(examples))


def shifted(target: Padded, tags: Int[Tensor, " b"]) -> Int[Tensor, "b t"]:
    """What the decoder reads to write the target (as `ended` makes it): the tag of its language, then its tokens."""
    later = torch.cat((tags[:, None], target.values[:, :-1]), dim=1)
    # One column later the </s> of a short target stands outside of it, where the long ones still have tokens.
    return later.masked_fill(~target.keep, PAD)


def _edges(examples: Sequence[Example]) -> Edges:
    """The links of all examples as one list."""
    linked = {row: example.links for row, example in enumerate(examples) if example.links is not None}
    if not linked:
        return Edges.none()
    lists = linked.values()
    rows = np.repeat(list(linked), [len(links.target) for links in lists])
    target = np.concatenate([links.target for links in lists]).astype(np.int64)
    source = np.concatenate([links.source for links in lists]).astype(np.int64)
    weight = np.concatenate([links.weight for links in lists])
    return Edges(torch.from_numpy(rows), torch.from_numpy(target), torch.from_numpy(source), torch.from_numpy(weight))


def ended(sequences: Sequence[NDArray[np.int32]]) -> Padded:
    """The sequences, each with `</s>` at its end, as one batch."""
    lengths = np.array([[len(sequence)] for sequence in sequences])
    places = np.arange(lengths.max() + 1)
    values = np.full((len(sequences), len(places)), PAD, dtype=np.int64)
    values[places < lengths] = np.concatenate(sequences)
    values[places == lengths] = EOS
    return Padded(torch.from_numpy(values), torch.from_numpy(places <= lengths))


class TokenBatches:
    """Batches of at most `tokens` padded source and target positions, epoch after epoch, without end.

    An example that alone exceeds the budget is a batch of its own; nothing is dropped. Where the stream stands is two
    numbers, `state_dict()`; with the same examples, budget and seed the batches after it are identical.
    """

    def __init__(self, examples: Examples, *, tokens: int, seed: int) -> None:
        if tokens < 1:
            raise ConfigError(f"tokens must be at least 1, got {tokens}; a batch of 2,000 to 25,000 tokens is usual")
        self._examples, self._tokens, self._seed = examples, tokens, seed
        self._stream = Stream(self.plan, {"tokens": tokens, "seed": seed, "rows": len(examples)})

    def __iter__(self) -> Iterator[Batch]:
        while True:
            yield self.build(self.group(1)[0])

    def group(self, count: int) -> list[Plan]:
        """The next `count` batches, not built: every process asks for the same group and builds its own share."""
        return self._stream.take(count)

    def build(self, plan: Plan) -> Batch:
        """The batch of a plan."""
        examples = [self._examples.example(int(row), plan.epoch) for row in plan.rows]
        return collate(examples, epoch=plan.epoch, rows=plan.rows)

    def plan(self, epoch: int) -> list[Plan]:
        """All batches of an epoch, in their order: a pure function of examples, budget, seed and epoch."""
        rows = self._examples.draw(epoch)
        lengths = self._examples.lengths(epoch)
        sources, targets = lengths.source[rows] + 1, lengths.target[rows] + 1
        return planned(rows, sources, targets, tokens=self._tokens, seed=self._seed, epoch=epoch)

    def state_dict(self) -> dict[str, int]:
        """Where the stream stands, and what it depends on."""
        return self._stream.state_dict()

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Goes on where another stream of the same data stood; ConfigError if data, budget or seed are not the same."""
        self._stream.load_state_dict(state)


def planned(rows: Rows, sources: Rows, targets: Rows, *, tokens: int, seed: int, epoch: int) -> list[Plan]:
    """Batches of the rows, whose positions are `sources` and `targets`, of at most so many tokens, in random order."""
    generator = np.random.default_rng([seed, epoch])
    order = order_by_lengths(sources, targets, generator)
    bounds = cut_by_budget(sources[order], targets[order], tokens=tokens)
    plans = [Plan(epoch, rows[order[start:end]]) for start, end in pairwise(bounds)]
    return [plans[place] for place in generator.permutation(len(plans))]


def order_by_lengths(sources: Rows, targets: Rows, generator: np.random.Generator) -> Rows:
    """An order in which neighbours have like lengths on both sides; equal ones stand in random order.

    Rows go by the longer side, and where that is equal by how much longer it is: from one end to the other and back in
    turns, so that where the longer side grows by one, the shorter does not jump. Against going by target, then source,
    this saves a tenth of the padding of small batches and half of that of large ones.
    """
    noise = generator.permutation(len(sources))
    longer, surplus = np.maximum(sources, targets), sources - targets
    return np.lexsort((noise, np.where(longer % 2 == 0, surplus, -surplus), longer))


def cut_by_budget(sources: Rows, targets: Rows, *, tokens: int) -> list[int]:
    """Bounds of batches of neighbours, each as large as fits: rows x (longest source + longest target) <= tokens."""
    bounds = [0]
    widest_source = widest_target = 0
    for place, (source, target) in enumerate(zip(sources.tolist(), targets.tolist(), strict=True)):
        widest_source, widest_target = max(widest_source, source), max(widest_target, target)
        count = place + 1 - bounds[-1]
        if count > 1 and count * (widest_source + widest_target) > tokens:
            bounds.append(place)
            widest_source, widest_target = source, target
    return [*bounds, len(sources)] if len(sources) else bounds


def padding_efficiency(batches: Iterable[Batch]) -> float:
    """Real positions over all positions of the batches, both sides."""
    real = padded = 0
    for batch in batches:
        real, padded = real + batch.real_tokens, padded + batch.padded_tokens
    return real / padded
