"""Rows of several sources: what is missing is not real, what is withheld is drawn from seed, epoch and row."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch
from tests.tiny import NOUNS, tokenizer

from weft.base.errors import ConfigError, DataError
from weft.data.batch import TokenBatches
from weft.data.clean import CleaningReport
from weft.data.columns import NO_PICTURE, PictureColumn, TextColumn
from weft.data.corpus import PairCorpus
from weft.data.dropout import Cuts, CutTexts
from weft.data.mixture import Mixture, Tours
from weft.data.pictures import Pictures
from weft.data.pixels import Pixels
from weft.data.ragged import Ragged
from weft.data.several import SeveralBatches, SeveralRows
from weft.data.stream import Plan
from weft.data.tokenizer import EOS

SIZE = 53
RNG = np.random.default_rng(3)
EN = [RNG.integers(3, 30, RNG.integers(1, 11)).tolist() for _ in range(SIZE)]
DE_TARGET = [RNG.integers(3, 30, RNG.integers(1, 11)).tolist() for _ in range(SIZE)]
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
    texts = frozenset({"en", "de"})
    keys: dict[str, Any] = {"columns": columns, "target": Ragged.of(EN), "tags": np.full(SIZE, 3), "texts": texts}
    return SeveralRows(**{**keys, **changes})


def test_a_batch_has_every_source_and_what_a_row_lacks_is_not_real() -> None:
    batch = rows().batch(Plan(0, np.array([0, 1, 5])))
    assert rows().longest().tolist() == [len(row) + 1 for row in EN]
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
    lengths = rows().source_lengths()
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


def test_with_pictures_or_without_the_batches_are_the_same() -> None:
    """A model of text alone, trained as such, visits the very rows of one that also reads pictures."""
    corpus = PairCorpus("a", [""] * SIZE, [""] * SIZE, Ragged.of(EN), Ragged.of(DE_TARGET), 3, CleaningReport())
    alone = TokenBatches(Mixture([corpus], seed=5), tokens=67, seed=7)
    picture = rows().columns["picture"]
    several = rows(
        columns={"en": TextColumn(Ragged.of(EN)), "picture": picture},
        texts=frozenset({"en"}),
        target=Ragged.of(DE_TARGET),
        tours=Tours([SIZE], seed=5),
    )
    together = SeveralBatches(several, tokens=67, seed=7)
    for one, other in zip(alone.group(41), together.group(41), strict=True):
        assert (one.epoch, one.rows.tolist()) == (other.epoch, other.rows.tolist())


def test_sets_are_drawn_by_their_weights() -> None:
    """An epoch visits as many rows as there are; those of a set that weighs more come more than once."""
    several = rows(tours=Tours([13, SIZE - 13], seed=5, weights=[9.0, 1.0]))
    batches = SeveralBatches(several, tokens=71, seed=7)
    visited = np.concatenate([plan.rows for plan in batches.plan(0)])
    assert len(visited) == SIZE
    assert (visited < 13).sum() == round(SIZE * 9 * 13 / (9 * 13 + SIZE - 13))


def test_texts_are_cut_anew_in_every_epoch() -> None:
    texts = [" ".join(NOUNS)] * 7
    words = tokenizer()
    cuts = Cuts(words, probability=0.5, seed=3)
    columns = {name: TextColumn(CutTexts(texts, cuts, side=side, seed=3)) for name, side in (("en", 1), ("de", 2))}
    several = SeveralRows(columns, CutTexts(texts, cuts, side=0, seed=3), np.full(7, 3), frozenset({"en", "de"}))
    seen = [several.batch(Plan(epoch, np.arange(7))) for epoch in (0, 1, 0)]
    values = [batch.source.parts["en"].values for batch in seen]  # type: ignore[union-attr]
    assert torch.equal(values[0], values[2])
    assert values[0].shape != values[1].shape or not torch.equal(values[0], values[1])
    keep = seen[1].source.parts["en"].keep  # type: ignore[union-attr]
    assert {words.decode(row[own][:-1].tolist()) for row, own in zip(values[1], keep, strict=True)} == set(texts)
    for epoch, batch in enumerate(seen[:2]):
        parts = batch.source.parts  # type: ignore[union-attr]
        lengths = parts["en"].keep.sum(1) + parts["de"].keep.sum(1)
        assert lengths.tolist() == several.source_lengths(epoch).tolist()
        assert batch.target_output.lengths.tolist() == several.target_lengths(epoch).tolist()
    assert parts["en"].keep.sum(1).tolist() != parts["de"].keep.sum(1).tolist()
