"""The picture end: patches or a stem, places, and pictures that are not there."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from weft.base.errors import ConfigError, ShapeError
from weft.base.padded import Padded, Shared
from weft.base.validate import validate
from weft.layers.position import Grid, Sinusoidal
from weft.models.build import build
from weft.models.config import ModelConfig
from weft.models.encoder_decoder import EncoderDecoder
from weft.models.image import whole

STEM = [{"channels": 8, "step": 2, "blocks": 1}, {"channels": 11, "step": 2}]
PATCH = {"modality": "picture", "height": 13, "width": 21, "patch_height": 4, "patch_width": 4}
KINDS = {
    "patch": {"class_tokens": 1},
    "stem": {"stem": STEM, "class_tokens": 0, "position": "sinusoidal"},
    "stem with a class token": {"stem": STEM, "class_tokens": 1},
}


def make(**changes: Any) -> EncoderDecoder:
    shape = {
        "vocabulary_size": 23,
        "width": 12,
        "num_heads": 2,
        "feedforward_width": 17,
        "encoder_layers": 1,
        "decoder_layers": 2,
        "source": {**PATCH, **changes},
    }
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = build(validate(ModelConfig, shape, where="test"))
    assert isinstance(model, EncoderDecoder)
    return model.double().eval()


def pictures(count: int = 3) -> Padded:
    values = torch.randn(count, 15, 3, 4, 4, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    return Padded(values, torch.ones(count, 15, dtype=torch.bool))


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_a_picture_does_not_depend_on_the_others_of_its_batch(kind: str) -> None:
    model, batch = make(**KINDS[kind]), pictures()
    together = model.encoder(batch).values
    assert together.shape == (3, 15 + int(KINDS[kind]["class_tokens"]), 12)
    for row in range(3):
        alone = model.encoder(batch.select(torch.tensor([row]))).values[0]
        torch.testing.assert_close(alone, together[row], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_a_picture_that_is_not_there_has_no_part_whatever_stands_in_its_place(kind: str) -> None:
    model, target = make(**KINDS[kind]), torch.tensor([[4, 5, 6], [7, 8, 9]])
    missing = torch.tensor([[True], [False]]).expand(2, 15)
    logits = [
        model(Shared(Padded(pictures(2).values * scale, missing), torch.tensor([0, 1])), target) for scale in (1, 7)
    ]
    assert not torch.equal(logits[0][0], logits[1][0])
    torch.testing.assert_close(logits[0][1], logits[1][1], rtol=0, atol=0)
    assert not model.encoder(Padded(pictures(2).values, missing)).keep[1].any()


def test_patches_are_put_together_as_they_were_cut() -> None:
    pixels = torch.arange(2 * 3 * 6 * 20).view(2, 3, 6, 20).float()
    tiles = pixels.unfold(2, 3, 3).unfold(3, 5, 5).movedim(1, 3).flatten(1, 2)
    assert torch.equal(whole(tiles, grid=(2, 4)), pixels)


def test_a_stem_sees_across_the_edges_of_patches() -> None:
    """What changes at the right edge of one patch changes the vector of the next one, where patches alone would not."""
    for kind, reaches in (("patch", False), ("stem", True)):
        model, batch = make(**KINDS[kind]), pictures(1)
        changed = batch.values.clone()
        changed[0, 2, :, :, -1] += 1
        with torch.no_grad():
            before, after = (model.encoder.embed.patch.vectors(values) for values in (batch.values, changed))
        assert torch.equal(before[0, 3], after[0, 3]) is not reaches


def test_places_of_a_grid_are_a_row_and_a_column() -> None:
    grid, side = Grid(8, columns=5, lead=2), Sinusoidal(4)
    vectors = grid(torch.arange(2 + 15))
    assert (vectors[:2] == 0).all()
    for place in range(15):
        row, column = divmod(place, 5)
        wanted = torch.cat((side(torch.tensor([row])), side(torch.tensor([column]))), -1)[0]
        assert torch.equal(vectors[2 + place], wanted)
    assert vectors[2:].unique(dim=0).shape[0] == 15
    assert math.isclose(float(vectors[2:].norm(dim=-1).mean()), 2.0, rel_tol=1e-6)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigError, match="the steps of the stem multiply to 4, patches have 5 x 4 pixels; make them"):
        make(**KINDS["stem"], patch_height=5)
    with pytest.raises(ShapeError, match="sinusoids of two dimensions want a width that 4 divides, got 6; change"):
        Grid(6, columns=2, lead=0)
    with pytest.raises(ShapeError, match=r"with \[15, 3, 4, 4\] behind b, got \[1, 14, 3, 4, 4\]; resize the picture"):
        make().encode(Padded(torch.zeros(1, 14, 3, 4, 4), torch.ones(1, 14, dtype=torch.bool)))
