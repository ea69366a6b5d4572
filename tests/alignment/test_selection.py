"""Settings found by what they link, wherever the truth is planted."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from weft.alignment.pairs import Gold
from weft.alignment.selection import Seen, choose_by_agreement, choose_by_gold, readings
from weft.alignment.settings import AlignmentSettings
from weft.alignment.side import Side
from weft.base.errors import DataError

LAYERS, HEADS = 2, 3
BASE = AlignmentSettings(layer=0, heads=(0,), decision="argmax")


def orders(num: int, seed: int = 5) -> Iterator[np.ndarray]:
    """Where the source word of each target word stands, in as many sentences."""
    random = np.random.default_rng(seed)
    for _ in range(num):
        yield random.permutation(int(random.integers(5, 11)))


def side(length: int, *, mark: bool = False) -> Side:
    spans = [(place, place + 1) for place in range(length)]
    return Side("x" * (length - mark) + "." * mark, spans, spans)


def seen(order: np.ndarray, *, plant: tuple[int, int], shift: bool, by_norm: bool = False, seed: int = 0) -> Seen:
    """One head reads the truth, the others what they like; with `by_norm` it rests on a key that hands on nothing."""
    random, length = np.random.default_rng(seed), len(order)
    weights = random.dirichlet(np.full(length + 1, 0.3), (LAYERS, HEADS, length + 1))
    weights[plant][int(shift) :][:length] = 0.1 / length
    weights[plant][np.arange(length) + shift, order] += 0.9
    norms = np.ones((LAYERS, HEADS, length + 1))
    if by_norm:
        weights[plant] = 0.3 * weights[plant]
        weights[plant][:, -2] += 0.7
        norms[plant][-2] = 0.03
    return Seen(torch.from_numpy(weights), torch.from_numpy(norms), side(length), side(length))


def gold(order: np.ndarray) -> Gold:
    pairs = frozenset((int(i), j) for j, i in enumerate(order))
    return Gold(pairs, pairs)


def test_every_head_and_layer_is_read_both_ways() -> None:
    found = readings(LAYERS, HEADS, BASE)
    assert len(found) == len(set(map(str, found))) == LAYERS * (HEADS + 1) * 2 * 2
    assert len(readings(1, 1, BASE)) == 4


@pytest.mark.parametrize("shift", [True, False])
def test_the_heads_of_two_directions_that_agree_are_found(shift: bool) -> None:
    forward = [seen(order, plant=(1, 2), shift=shift, seed=n) for n, order in enumerate(orders(31))]
    reverse = [seen(np.argsort(order), plant=(0, 1), shift=True, seed=n + 97) for n, order in enumerate(orders(31))]
    best, *others = choose_by_agreement(iter(forward), iter(reverse), base=BASE)
    assert (best.forward.layer, best.forward.heads, best.forward.shift) == (1, (2,), shift)
    assert (best.reverse.layer, best.reverse.heads, best.reverse.shift) == (0, (1,), True)
    assert best.agreement > 0.9
    assert [best.agreement, *(one.agreement for one in others)] == sorted(
        (one.agreement for one in (best, *others)), reverse=True
    )


@pytest.mark.parametrize("shift", [True, False])
@pytest.mark.parametrize("by_norm", [True, False])
def test_the_head_that_links_as_people_did_is_found(shift: bool, by_norm: bool) -> None:
    pairs = [seen(order, plant=(1, 0), shift=shift, by_norm=by_norm, seed=n) for n, order in enumerate(orders(13))]
    best, *others = choose_by_gold(pairs, [gold(order) for order in orders(13)], base=BASE)
    assert (best.settings.layer, best.settings.heads, best.settings.shift) == (1, (0,), shift)
    assert best.settings.norm_weighting or not by_norm
    assert best.counts.aer < 0.03
    assert best.counts.aer <= others[0].counts.aer <= others[-1].counts.aer


def test_without_pairs_nothing_is_chosen() -> None:
    with pytest.raises(DataError, match="by agreement needs sentence pairs, got none; give dev pairs"):
        choose_by_agreement([], [], base=BASE)
    with pytest.raises(DataError, match="by gold links needs sentence pairs, got none; give a dev file with links"):
        choose_by_gold([], [], base=BASE)
