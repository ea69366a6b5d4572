"""Rows of several sources: what is missing is not real, what is withheld is drawn from seed, epoch and row."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch

from weft.base.errors import ConfigError, DataError
from weft.data.columns import NO_PICTURE, PictureColumn, TextColumn
from weft.data.pictures import Pictures
from weft.data.pixels import Pixels
from weft.data.ragged import Ragged
from weft.data.several import SeveralBatches, SeveralRows
from weft.data.stream import Plan
from weft.data.tokenizer import EOS

SIZE = 53
RNG = np.random.default_rng(3)
EN = [RNG.integers(3, 30, RNG.integers(1, 11)).tolist() for _ in range(SIZE)]
DE = [row[::-1] if number % 3 else [] for number, row in enumerate(EN)]


def rows(**changes: Any) -> SeveralRows:
    picture = PictureColumn(
        Pictures([RNG.integers(0, 256, (4, 6, 3)).astype(np.uint8) for _ in range(2)]),
        np.array([number % 3 - 1 for number in range(SIZE)]),
        Pixels(size=(4, 6)),
        (2, 2),
        (4, 6),
    )
    columns = {"en": TextColumn(Ragged.of(EN)), "de": TextColumn(Ragged.of(DE)), "picture": picture}
    keys: dict[str, Any] = {"target": Ragged.of(EN), "tags": np.full(SIZE, 3), "texts": frozenset({"en", "de"})}
    return SeveralRows(columns, **{**keys, **changes})


def test_a_batch_has_every_source_and_what_a_row_lacks_is_not_real() -> None:
    batch = rows().batch(Plan(0, np.array([0, 1, 5])))
    assert rows().longest.tolist() == [len(row) + 1 for row in EN]
    parts = batch.source.parts  # type: ignore[union-attr]
    assert parts["en"].values[1, : len(EN[1]) + 1].tolist() == [*EN[1], EOS]
    assert parts["de"].keep.any(1).tolist() == [False, True, True]
    assert parts["picture"].keep.any(1).tolist() == [False, True, True]
    assert parts["picture"].keep.shape == (3, 6)
    assert batch.target_input[:, 0].tolist() == [3, 3, 3]
    assert batch.real_tokens == sum(int(part.keep.sum()) for part in parts.values()) + int(
        batch.target_output.keep.sum()
    )


def test_what_is_withheld_depends_on_seed_epoch_and_row_alone() -> None:
    held, all_rows = rows(withheld={"de": 0.4, "picture": 0.7}, seed=5), np.arange(SIZE)
    whole = rows().batch(Plan(0, all_rows)).source
    seen = [held.batch(Plan(epoch, all_rows)).source for epoch in (0, 0, 1)]
    for name, share in (("de", 0.4), ("picture", 0.7)):
        has, *kept = (one.parts[name].keep.any(1) for one in (whole, *seen))  # type: ignore[union-attr]
        assert torch.equal(kept[0], kept[1])
        assert not torch.equal(kept[0], kept[2])
        assert bool((has | ~kept[0]).all())
        assert abs(float(kept[0].sum() / has.sum()) - (1 - share)) < 0.25
    some = np.array([7, 40, 4])
    part, everything = held.batch(Plan(1, some)).source.parts["de"], seen[2].parts["de"]  # type: ignore[union-attr]
    assert part.keep.any(1).tolist() == everything.keep.any(1)[some].tolist()
    assert torch.equal(seen[0].parts["en"].keep, whole.parts["en"].keep)  # type: ignore[union-attr]


def test_batches_visit_every_row_once_an_epoch_and_go_on_where_they_stopped() -> None:
    batches = SeveralBatches(rows(), tokens=97, seed=11)
    plans = batches.plan(0)
    assert sorted(np.concatenate([plan.rows for plan in plans]).tolist()) == list(range(SIZE))
    lengths = rows().source_lengths
    for plan in plans:
        widest = lengths[plan.rows].max() + max(len(EN[row]) + 1 for row in plan.rows)
        assert len(plan.rows) == 1 or len(plan.rows) * widest <= 97
    first = list(islice((batches.group(1)[0] for _ in range(100)), 5))
    assert [plan.rows.tolist() for plan in first] == [plan.rows.tolist() for plan in plans[:5]]
    again = SeveralBatches(rows(), tokens=97, seed=11)
    again.load_state_dict(batches.state_dict())
    assert again.group(1)[0].rows.tolist() == batches.group(1)[0].rows.tolist()
    assert len(again.build(plans[0])) == len(plans[0].rows)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigError, match="tokens must be at least 1, got 0"):
        SeveralBatches(rows(), tokens=0, seed=1)
    with pytest.raises(DataError, match=r"wanted each source and a language for every target, got 53 targets, 5 lang"):
        rows(tags=np.zeros(5, np.int64))


def test_a_shared_picture_is_withheld_from_one_row_alone() -> None:
    shared = rows().columns["picture"].collate(np.array([1, 4, 2]))
    hidden = shared.without(torch.tensor([True, False, False]))
    assert hidden.keep.any(1).tolist() == [False, True, True]
    assert torch.equal(hidden.padded.values[hidden.row[1]], shared.padded.values[shared.row[1]])
    assert NO_PICTURE == -1
