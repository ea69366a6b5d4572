"""Pictures as numbers: sizes, cuts, patches, and the same numbers as transformers."""

from __future__ import annotations

import builtins
import warnings
from typing import Any

import numpy as np
import pytest
import torch

from weft.base.errors import ShapeError, UnsupportedError
from weft.data.image import cut, numbers, patches
from weft.data.open_picture import to_array
from weft.data.pixels import Pixels

PIL = pytest.importorskip("PIL.Image")


def picture(height: int, width: int, mode: str = "RGB") -> Any:
    """Smooth waves with some noise."""
    rows, columns = np.mgrid[:height, :width]
    waves = [127 + 100 * np.sin(rows / 5 + columns / (3 + channel)) for channel in range(3)]
    noise = np.random.default_rng(7).integers(0, 20, (height, width, 3))
    return PIL.fromarray((np.stack(waves, -1) + noise).astype(np.uint8)).convert(mode)


def test_patches_stand_in_reading_order_with_their_channels() -> None:
    pixels = torch.arange(2 * 3 * 7 * 11).view(2, 3, 7, 11).float()
    tiles = cut(pixels, patch=(3, 5))
    assert tiles.shape == (2, 4, 3, 3, 5)
    for number, (top, left) in enumerate([(0, 0), (0, 5), (3, 0), (3, 5)]):
        assert torch.equal(tiles[:, number], pixels[:, :, top : top + 3, left : left + 5])


def test_pictures_of_any_size_and_mode_become_one_batch() -> None:
    pictures = [to_array(picture(13, 17)), to_array(picture(5, 7, "L")), to_array(picture(6, 9, "RGBA"))]
    batch = patches(pictures, Pixels(size=(6, 9)), patch=(3, 3))
    assert batch.values.shape == (3, 6, 3, 3, 3)
    assert batch.values.abs().max() <= 1
    assert batch.keep.all()


def test_nothing_is_done_that_is_not_asked_for() -> None:
    image = to_array(picture(5, 7))
    raw = numbers(image, Pixels(size=None, scale=None, mean=None, deviation=None))
    assert torch.equal(raw, torch.from_numpy(image).permute(2, 0, 1).float())


def test_a_picture_that_is_smaller_than_its_cut_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"at least 8 x 8 pixels, got \[5, 7\]; resize it first"):
        numbers(to_array(picture(5, 7)), Pixels(size=None, crop=(8, 8)))


def test_without_pillow_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: Any) -> Any:
        if name.startswith("PIL"):
            raise ImportError(name)
        return real(name, *rest)

    image = to_array(picture(5, 7))
    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(UnsupportedError, match=r'pip install "weft\[image\]"'):
        numbers(image, Pixels())


@pytest.mark.parametrize(
    ("kind", "asked", "ours"),
    [
        ("ViTImageProcessorPil", {"size": {"height": 37, "width": 53}}, {"size": (37, 53)}),
        (
            "DeiTImageProcessorPil",
            {"size": {"height": 41, "width": 43}, "crop_size": {"height": 32, "width": 35}},
            {"size": (41, 43), "crop": (32, 35), "resample": 3},
        ),
        (
            "ViTImageProcessorPil",
            {
                "size": {"height": 19, "width": 23},
                "resample": 1,
                "image_mean": [0.485, 0.456, 0.406],
                "image_std": [0.229, 0.224, 0.225],
            },
            {"size": (19, 23), "resample": 1, "mean": (0.485, 0.456, 0.406), "deviation": (0.229, 0.224, 0.225)},
        ),
    ],
)
def test_numbers_are_those_of_transformers(kind: str, asked: dict[str, Any], ours: dict[str, Any]) -> None:
    transformers = pytest.importorskip("transformers")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = getattr(transformers, kind)(**asked)
        images = [picture(61, 47), picture(17, 71)]
        wanted = theirs(images, return_tensors="pt")["pixel_values"]
    if kind.startswith("DeiT"):
        ours |= {"mean": tuple(theirs.image_mean), "deviation": tuple(theirs.image_std)}
    for image, one in zip(images, wanted, strict=True):
        torch.testing.assert_close(numbers(to_array(image), Pixels(**ours)), one.float(), rtol=0, atol=1e-5)
