"""Columns of a corpus: what a row has is read, what it lacks is nothing, and shared pictures are there once."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from weft.data.columns import PictureColumn, TextColumn
from weft.data.image import patches
from weft.data.pictures import Pictures
from weft.data.pixels import Augmentation, Pixels
from weft.data.ragged import Ragged
from weft.data.tokenizer import EOS

pytest.importorskip("PIL.Image")

SIZE, PATCH = (6, 10), (3, 5)
PIXELS = Pixels(size=SIZE)
PICTURES = Pictures([np.random.default_rng(seed).integers(0, 256, (9, 13, 3), np.uint8) for seed in range(3)])


def column(augmentation: Augmentation | None = None, *, blind: bool = False) -> PictureColumn:
    number = np.array([2, -1, 0, 2, 1])
    return PictureColumn(PICTURES, number, PIXELS, PATCH, SIZE, augmentation or Augmentation(), seed=3, blind=blind)


def test_texts_end_and_an_empty_one_is_none() -> None:
    texts = TextColumn(Ragged.of([[5, 6, 7], [], [8]]))
    assert texts.lengths(0).tolist() == [4, 0, 2]
    batch = texts.collate(np.array([1, 0]))
    assert batch.values.tolist() == [[0, 0, 0, 0], [5, 6, 7, EOS]]
    assert batch.keep.tolist() == [[False] * 4, [True] * 4]


def test_a_picture_of_several_rows_is_there_once() -> None:
    batch = column().collate(np.array([0, 2, 3]))
    assert len(batch) == 3
    assert len(batch.padded) == 2
    wanted = patches([PICTURES[2], PICTURES[0], PICTURES[2]], PIXELS, patch=PATCH)
    assert torch.equal(batch.padded.values[batch.row], wanted.values)
    assert batch.keep.all()


def test_nothing_of_a_row_without_a_picture_is_real() -> None:
    assert column().lengths(0).tolist() == [4, 0, 4, 4, 4]
    batch = column().collate(np.array([1, 4]))
    assert batch.keep.tolist() == [[False] * 4, [True] * 4]
    assert (batch.padded.values[batch.row][0] == 0).all()
    assert not column().collate(np.array([1])).keep.any()


def test_what_is_drawn_depends_on_seed_epoch_and_picture_alone() -> None:
    some = column(Augmentation(smallest=0.4, flip=0.5, brightness=0.3))
    alone, among = some.collate(np.array([0]), epoch=4), some.collate(np.array([4, 3, 2]), epoch=4)
    assert torch.equal(alone.padded.values[alone.row][0], among.padded.values[among.row][1])
    later = some.collate(np.array([0]), epoch=5)
    assert not torch.equal(alone.padded.values, later.padded.values)


def test_the_blind_see_zeros_for_every_picture() -> None:
    batch = column(blind=True).collate(np.array([0, 2, 1]))
    assert (batch.padded.values == 0).all()
    assert batch.keep.tolist() == [[True] * 4, [True] * 4, [False] * 4]
    assert len(batch.padded) == 2
