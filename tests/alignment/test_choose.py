from collections.abc import Iterator

import numpy as np
import pytest
import torch

from weft.alignment.choose import Observed, choose, mutual_links
from weft.alignment.settings import AlignmentSettings
from weft.base.errors import DataError, ShapeError

LAYERS, HEADS, TYPES = 2, 5, 43


def dev_pairs(plant: tuple[int, int], num: int = 120, seed: int = 7) -> Iterator[Observed]:
    """Pairs whose target is a local reordering of the source, word for word, and ends with the same full stop.

    The head at `plant` reads the truth, the others its neighbour, the diagonal, the last token, or everything evenly.
    """
    random = np.random.default_rng(seed)
    for _ in range(num):
        length = int(random.integers(3, 12))
        order = np.argsort(np.arange(length) + random.normal(0, 1.5, length))
        source = np.append(random.zipf(1.3, length) % TYPES, TYPES)
        target = np.append(source[order] * 3 + 1, 1000)
        truth = np.append(order, length)
        steps = length + 1
        lies = [(truth + 1) % steps, np.arange(steps), np.full(steps, length), None, (truth - 1) % steps]
        weights = np.zeros((LAYERS, HEADS, steps + 1, steps + 3))
        for layer in range(LAYERS):
            for head in range(HEADS):
                read = truth if (layer, head) == plant else lies[(layer + head) % len(lies)]
                weights[layer, head, 1:] = row_weights(read, steps, random)
        yield Observed(torch.from_numpy(weights).float(), source.tolist(), target.tolist())


def row_weights(read: np.ndarray | None, steps: int, random: np.random.Generator) -> np.ndarray:
    """Weights of each step on `read` (None: even), a good part on </s>, none on the padding."""
    weights = random.uniform(0, 0.1, (steps, steps + 3))
    if read is not None:
        weights[np.arange(steps), read] += 1
    weights[:, steps] += 0.8
    weights[:, steps + 1 :] = 0
    return np.asarray(weights / weights.sum(1, keepdims=True))


@pytest.mark.parametrize("plant", [(0, 0), (1, 3), (0, 4), (1, 1)])
def test_the_head_that_reads_the_truth_is_found_wherever_it_is_planted(plant: tuple[int, int]) -> None:
    choice = choose(dev_pairs(plant), settings=AlignmentSettings(layer=9, heads=(9,), threshold=0.3))
    assert choice.settings == AlignmentSettings(layer=plant[0], heads=(plant[1],), threshold=0.3)
    others = [one.score for one in choice.table if plant[1] not in one.heads or one.layer != plant[0]]
    assert choice.table[0].score > 2 * max(others)


def test_the_table_holds_single_heads_whole_layers_and_the_best_few_best_first() -> None:
    table = choose(dev_pairs((1, 3), num=20)).table
    assert sorted((one.layer, len(one.heads)) for one in table) == [
        (layer, size) for layer in range(LAYERS) for size in (1, 1, 1, 1, 1, 2, 3, 4, 5)
    ]
    scores = [one.score for one in table]
    assert scores == sorted(scores, reverse=True)


def test_two_noisy_heads_that_complete_each_other_are_averaged() -> None:
    def halves(pair: Observed) -> Observed:
        weights = pair.weights.clone()
        half = torch.arange(weights.shape[2]) % 2 == 0
        for head, kept in ((1, half), (3, ~half)):
            weights[0, head] = torch.where(kept[:, None], pair.weights[0, 0], pair.weights[0, 0].mean(-1, keepdim=True))
        weights[:, 0] = weights[:, 0].mean(-1, keepdim=True)
        return Observed(weights, pair.source, pair.target)

    choice = choose(halves(pair) for pair in dev_pairs((0, 0)))
    assert (choice.settings.layer, choice.settings.heads) == (0, (1, 3))


def test_without_shift_the_row_before_is_read() -> None:
    def early(pair: Observed) -> Observed:
        return Observed(pair.weights.roll(-1, 2)[:, :, :-1], pair.source, pair.target)

    base = AlignmentSettings(layer=0, heads=(0,), shift=False)
    choice = choose((early(pair) for pair in dev_pairs((1, 1))), settings=base)
    assert choice.settings == base.model_copy(update={"layer": 1, "heads": (1,)})


def test_mutual_links_are_each_others_maximum() -> None:
    target, source = mutual_links(np.array([[0.1, 0.7, 0.2], [0.0, 0.6, 0.4], [0.8, 0.0, 0.2]], np.float32))
    assert list(zip(target.tolist(), source.tolist(), strict=True)) == [(0, 1), (2, 0)]
    assert mutual_links(np.zeros((0, 3), np.float32))[0].size == 0


def test_one_pair_and_one_head_are_enough_for_a_setting() -> None:
    pair = Observed(torch.eye(3)[None, None, [0, 0, 1]], [5, 6], [7, 8])
    assert choose([pair]).settings == AlignmentSettings(layer=0, heads=(0,))


def test_no_pairs_and_missing_rows_are_refused() -> None:
    with pytest.raises(DataError, match=r"needs sentence pairs .* got none; give dev pairs"):
        choose([])
    with pytest.raises(ShapeError, match=r"t at least 4 and s at least 2, got \[1, 1, 3, 3\]; record every step"):
        choose([Observed(torch.ones(1, 1, 3, 3), [1, 2], [1, 2, 3])])
