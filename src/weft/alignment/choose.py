"""The layer and heads whose attention aligns best, found on sentence pairs alone, without gold links."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weft.alignment.settings import AlignmentSettings
from weft.base.errors import DataError, ShapeError
from weft.base.shapes import Float, Tensor

Array = NDArray[np.float32]
MOST_HEADS = 4  # of a layer that are averaged, beside one and all


@dataclass(frozen=True)
class Observed:
    """One sentence pair with what every head read.

    `weights` `[l h t s]` are as recorded: row 0 read the start token, columns after the source tokens are </s> and
    padding. The ids are those of the tokens without any special ones. `norms` `[l h s]` are |v W_o|, wanted where
    heads are weighed by them.
    """

    weights: Float[Tensor, "l h t s"]
    source: Sequence[int]
    target: Sequence[int]
    norms: Float[Tensor, "l h s"] | None = None


@dataclass(frozen=True, order=True)
class Candidate:
    """A way to read the alignment and its score; `agreement` is the share of tokens with a mutual link."""

    score: float
    agreement: float
    layer: int
    heads: tuple[int, ...]


@dataclass(frozen=True)
class Choice:
    """The settings chosen and every candidate, best first."""

    settings: AlignmentSettings
    table: tuple[Candidate, ...]


def choose(pairs: Iterable[Observed], *, settings: AlignmentSettings | None = None) -> Choice:
    """The head, or mean of heads of one layer, whose links join tokens that go together in other sentences too.

    A link is a pair of tokens that are each other's best (argmax both ways). It counts as much as the two token types
    are associated in the *other* pairs: the correlation (phi) of their occurrences, sentence by sentence. So a head
    that reads the neighbour, the diagonal or the last token has links but little association, and neither a pair seen
    once nor two frequent tokens that meet everywhere can fool it. The score is the mean over sentences of 2 * sum of
    link values / (t + s).

    A few hundred pairs are enough; they are held in memory as float16. `settings` gives all other rules, which are
    kept; of these, the step that is read, weighing by norms and the share of </s> count here too. Raises DataError if
    there is no pair.
    """
    base = settings or AlignmentSettings(layer=0, heads=(0,))
    held = [_trim(pair, base) for pair in pairs]
    if not held:
        raise DataError(
            "choosing alignment heads needs sentence pairs with tokens on both sides, got none; give dev pairs"
        )
    values = list(_associations([(pair.source, pair.target) for pair in held]))
    num_layers, num_heads = held[0].weights.shape[:2]
    groups = [(head,) for head in range(num_heads)] + ([tuple(range(num_heads))] if num_heads > 1 else [])
    table: list[Candidate] = []
    for layer in range(num_layers):
        of_layer = [_score(held, values, base, layer, heads) for heads in groups]
        single = sorted(of_layer[:num_heads], reverse=True)
        best = [tuple(sorted(c.heads[0] for c in single[:n])) for n in range(2, min(MOST_HEADS, num_heads - 1) + 1)]
        table += of_layer + [_score(held, values, base, layer, heads) for heads in best]
    table.sort(key=lambda one: (-one.score, -one.agreement, one.layer, len(one.heads), one.heads))
    return Choice(base.model_copy(update={"layer": table[0].layer, "heads": table[0].heads}), tuple(table))


@dataclass(frozen=True)
class _Held:
    weights: NDArray[np.float16]  # l h t s, times norms if so set; one row a target token, one column a source token
    source: NDArray[np.int64]
    target: NDArray[np.int64]


def _trim(pair: Observed, settings: AlignmentSettings) -> _Held:
    """The pair with the weights of its own tokens alone, at the step that shows them."""
    num_target, num_source, late = len(pair.target), len(pair.source), int(settings.shift)
    if pair.weights.ndim != 4 or pair.weights.shape[2] < num_target + late or pair.weights.shape[3] < num_source:
        raise ShapeError(
            f"weights must be [l h t s] with t at least {num_target + late} and s at least {num_source}, "
            f"got {list(pair.weights.shape)}; record every step and every source token"
        )
    kept = pair.weights[:, :, late : late + num_target, :num_source].detach().float()
    if settings.norm_weighting:
        if pair.norms is None or pair.norms.shape[2] < num_source:
            raise ShapeError(
                f"weighing by norms wants norms [l h s] with s at least {num_source}, got "
                f"{None if pair.norms is None else list(pair.norms.shape)}; record them with the weights"
            )
        kept = kept * pair.norms[:, :, None, :num_source].detach().float()
    source, target = np.asarray(pair.source, np.int64), np.asarray(pair.target, np.int64)
    return _Held(kept.cpu().numpy().astype(np.float16), source, target)


def _score(
    held: Sequence[_Held], values: Sequence[Array], settings: AlignmentSettings, layer: int, heads: tuple[int, ...]
) -> Candidate:
    scores, agreements = [], []
    for pair, value in zip(held, values, strict=True):
        length = len(pair.source) + len(pair.target)
        mean = pair.weights[layer, list(heads)].astype(np.float32).mean(0)
        if settings.renormalise or settings.norm_weighting:
            total = mean.sum(1, keepdims=True)
            mean = np.divide(mean, total, out=np.zeros_like(mean), where=total > 0)
        target, source = mutual_links(mean)
        scores.append(2 * float(value[target, source].sum()) / max(length, 1))
        agreements.append(2 * len(target) / max(length, 1))
    return Candidate(float(np.mean(scores)), float(np.mean(agreements)), layer, heads)


def mutual_links(weights: Array) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Target and source indices of the pairs that are each other's maximum in `[t s]`; the first of equals counts."""
    if not weights.size:
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    source, rows = weights.argmax(1), np.arange(len(weights))
    mutual = weights.argmax(0)[source] == rows
    return rows[mutual], source[mutual]


def _associations(pairs: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]]) -> Iterator[Array]:
    """For each pair, how its target and source token types correlate over all other pairs, `[t s]`, -1 to 1."""
    sources, targets = Counter[int](), Counter[int]()
    together = Counter[tuple[int, int]]()
    for source, target in pairs:
        source_types, target_types = set(source.tolist()), set(target.tolist())
        sources.update(source_types)
        targets.update(target_types)
        together.update((y, x) for y in target_types for x in source_types)
    others = len(pairs) - 1
    for source, target in pairs:
        x = np.array([sources[i] - 1 for i in source.tolist()], np.float64)[None, :]
        y = np.array([targets[i] - 1 for i in target.tolist()], np.float64)[:, None]
        xy = np.array([[together[j, i] - 1 for i in source.tolist()] for j in target.tolist()], np.float64)
        xy = xy.reshape(len(target), len(source))
        spread = np.sqrt(x * y * (others - x) * (others - y))
        yield np.divide(others * xy - x * y, spread, out=np.zeros_like(xy), where=spread > 0).astype(np.float32)
