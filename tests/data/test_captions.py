"""Batches of pictures with all their captions: nothing is parted, lost or over the budget, and stops change nothing."""

from __future__ import annotations

import numpy as np
import pytest

from weft.base.errors import ConfigError, DataError
from weft.data.captions import CaptionBatches, Captions
from weft.data.columns import PictureColumn
from weft.data.pictures import Pictures
from weft.data.pixels import Augmentation, Pixels
from weft.data.ragged import Ragged
from weft.data.tokenizer import EOS, PAD

pytest.importorskip("PIL.Image")

TAG = 4
BUDGET = 97


def captions(num_pictures: int = 23) -> Captions:
    """Pictures with one to five captions of one to eleven tokens."""
    generator = np.random.default_rng(5)
    number = np.repeat(np.arange(num_pictures), generator.integers(1, 6, num_pictures))
    ids = [generator.integers(5, 99, length) for length in generator.integers(1, 12, len(number))]
    pictures = Pictures([generator.integers(0, 256, (4, 6, 3), np.uint8) for _ in range(num_pictures)])
    column = PictureColumn(pictures, number, Pixels(size=(4, 6)), (2, 3), (4, 6), Augmentation(flip=0.5), seed=1)
    return Captions(column, Ragged.of(ids), np.full(len(number), TAG))


def test_an_epoch_has_every_caption_once_and_those_of_a_picture_together() -> None:
    told = captions()
    plans = CaptionBatches(told, tokens=BUDGET, seed=3).plan(0)
    rows = np.concatenate([plan.rows for plan in plans])
    assert sorted(rows.tolist()) == list(range(len(told)))
    for plan in plans:
        inside = set(told.pictures.number[plan.rows].tolist())
        everywhere = np.flatnonzero(np.isin(told.pictures.number, list(inside)))
        assert sorted(plan.rows.tolist()) == everywhere.tolist()


def test_batches_keep_to_the_budget_unless_one_picture_exceeds_it() -> None:
    batches = CaptionBatches(captions(), tokens=BUDGET, seed=3)
    built = [batches.build(plan) for plan in batches.plan(1)]
    assert all(batch.padded_tokens <= BUDGET or len(batch.source.padded) == 1 for batch in built)
    assert any(len(batch.source.padded) > 1 for batch in built)
    alone = CaptionBatches(captions(), tokens=1, seed=3)
    assert all(len(alone.build(plan).source.padded) == 1 for plan in alone.plan(0))


def test_a_batch_is_what_the_decoder_reads_and_writes() -> None:
    told = captions()
    batch = told.batch(CaptionBatches(told, tokens=BUDGET, seed=3).plan(0)[0])
    for row, caption in enumerate(batch.rows):
        ids = told.target[int(caption)].tolist()
        written = batch.target_output.values[row]
        assert written.tolist() == [*ids, EOS, *[PAD] * (len(written) - len(ids) - 1)]
        assert batch.target_input[row, : len(ids) + 1].tolist() == [TAG, *ids]
    assert batch.real_tokens == batch.target_output.keep.sum() + 4 * len(batch.source.padded)
    assert len(batch.to("cpu")) == len(batch) == len(batch.source)


def test_epochs_differ_and_a_seed_decides() -> None:
    first = CaptionBatches(captions(), tokens=BUDGET, seed=3)
    orders = [[plan.rows.tolist() for plan in first.plan(epoch)] for epoch in (0, 1, 0)]
    assert orders[0] == orders[2] != orders[1]


def test_after_a_stop_batches_go_on_to_the_bit() -> None:
    whole, stopped, resumed = (CaptionBatches(captions(), tokens=BUDGET, seed=3) for _ in range(3))
    count = len(whole.plan(0)) + 3
    whole.group(count)
    stopped.group(count)
    resumed.load_state_dict(stopped.state_dict())
    for ours, theirs in zip(whole.group(5), resumed.group(5), strict=True):
        one, other = whole.build(ours), resumed.build(theirs)
        assert one.source.padded.values.equal(other.source.padded.values)
        assert one.target_input.equal(other.target_input)
    with pytest.raises(ConfigError, match="seed must be 3, got 4; resume with the same data"):
        CaptionBatches(captions(), tokens=BUDGET, seed=4).load_state_dict(stopped.state_dict())


def test_an_epoch_may_have_some_captions_of_each_picture_and_another_others() -> None:
    told = captions()
    batches = CaptionBatches(told, tokens=BUDGET, seed=3, each=2)
    epochs = [np.concatenate([plan.rows for plan in batches.plan(epoch)]) for epoch in range(20)]
    counts = np.minimum(np.bincount(told.pictures.number), 2)
    for rows in epochs:
        assert np.bincount(told.pictures.number[rows]).tolist() == counts.tolist()
    assert len(np.unique(np.concatenate(epochs))) == len(told)
    assert epochs[0].tolist() == np.concatenate([plan.rows for plan in batches.plan(0)]).tolist()
    with pytest.raises(ConfigError, match="each must be"):
        CaptionBatches(told, tokens=BUDGET, seed=3, each=3).load_state_dict(batches.state_dict())


def test_what_does_not_fit_is_refused() -> None:
    told = captions()
    with pytest.raises(DataError, match=r"a picture and a language for every caption, got \[.*\]; give one of each"):
        Captions(told.pictures, told.target, told.tags[1:])
    with pytest.raises(ConfigError, match="tokens must be at least 1, got 0"):
        CaptionBatches(told, tokens=0, seed=3)


def test_short_captions_come_first_if_asked_for() -> None:
    told = captions()
    batches = CaptionBatches(told, tokens=BUDGET, seed=3, short_first=2)
    longest = np.array([told.target.lengths[rows].max() for rows in told.of_picture()])
    for epoch, count in enumerate([8, 16, 23, 23]):  # of 23 pictures a third, two thirds, all
        rows = np.concatenate([plan.rows for plan in batches.plan(epoch)])
        seen = np.unique(told.pictures.number[rows])
        assert len(seen) == count
        left_out = np.setdiff1d(np.arange(23), seen)
        assert longest[seen].max() <= min(longest[left_out], default=99)
        assert len(rows) == np.isin(told.pictures.number, seen).sum()  # with all that is said of each
    with pytest.raises(ConfigError, match="short_first must be"):
        CaptionBatches(told, tokens=BUDGET, seed=3).load_state_dict(batches.state_dict())
