"""Ends of sound and pictures: shapes, padding, steps as they read, and what a configuration may ask for."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from pydantic import ValidationError

from weft.base.errors import ShapeError
from weft.base.padded import Padded
from weft.models.build import build
from weft.models.config import ModelConfig

SHAPE: dict[str, Any] = {
    "vocabulary_size": 17,
    "width": 12,
    "num_heads": 3,
    "feedforward_width": 19,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "dropout": 0.0,
    "tie": "target",
}
SOUND = {"modality": "sound", "bands": 5, "positions": 11}
PICTURE = {"modality": "picture", "height": 7, "width": 11, "patch_height": 3, "patch_width": 5, "class_tokens": 2}


def made(**keys: Any) -> Any:
    torch.manual_seed(5)
    return build(ModelConfig.model_validate(SHAPE | keys)).eval().double()


def sound(*lengths: int, longest: int = 14) -> Padded:
    torch.manual_seed(7)
    keep = torch.arange(longest) < torch.tensor(lengths)[:, None]
    return Padded(torch.randn(len(lengths), longest, 5, dtype=torch.float64), keep)


def picture(count: int = 3) -> Padded:
    torch.manual_seed(7)
    values = torch.randn(count, 4, 3, 3, 5, dtype=torch.float64)
    return Padded(values, torch.ones(count, 4, dtype=torch.bool))


@torch.no_grad()
@pytest.mark.parametrize("position", ["evenly_spaced", "learned"])
def test_two_frames_make_a_position_and_padding_counts_as_nothing(position: str) -> None:
    model = made(source={**SOUND, "position": position})
    batch = sound(14, 9)
    states = model.encoder(batch)
    assert states.values.shape == (2, 7, 12)
    assert states.keep.sum(1).tolist() == [7, 5]
    poisoned = Padded(batch.values.masked_fill(~batch.keep[..., None], torch.nan), batch.keep)
    again = model.encoder(poisoned)
    torch.testing.assert_close(again.values[again.keep], states.values[states.keep], rtol=0, atol=1e-12)
    alone = model.encoder(Padded(batch.values[1:, :9], batch.keep[1:, :9]))
    torch.testing.assert_close(alone.values[0], states.values[1, :5], rtol=0, atol=1e-12)


@torch.no_grad()
def test_learned_positions_of_sound_end() -> None:
    with pytest.raises(ShapeError, match="learned positions end at 11, got position 11"):
        made(source={**SOUND, "position": "learned"}).encoder(sound(23, longest=23))


@torch.no_grad()
@pytest.mark.parametrize(
    ("source", "batch"), [(SOUND, sound(14, 9, 3)), (PICTURE, picture())], ids=["sound", "picture"]
)
def test_steps_are_what_is_read_at_once_and_cross_attention_reads_every_position(source: Any, batch: Padded) -> None:
    model = made(source=source, encoder={"width": 14, "num_heads": 2, "norm_position": "post"}, norm_position="pre")
    target = torch.tensor([[1, 5, 8, 2]]).expand(3, -1)
    wanted, memory = model(batch, target), model.encode(batch)
    cache = model.init_cache(memory, beam=1, capacity=4)
    for step in range(4):
        logits, cache = model.step(target[:, step, None], cache)
        torch.testing.assert_close(logits[:, 0], wanted[:, step], rtol=0, atol=1e-12)
    assert memory.cross[0].k.shape[2] == memory.keep.shape[1]


@torch.no_grad()
def test_class_tokens_stand_before_the_patches_and_some_patches_may_be_hidden() -> None:
    model, batch = made(source=PICTURE), picture(2)
    keep = torch.tensor([[True] * 4, [True, False, True, True]])
    states = model.encoder(Padded(batch.values, keep))
    assert states.values.shape == (2, 6, 12)
    assert states.keep.tolist() == [[True] * 6, [True, True, True, False, True, True]]
    poisoned = batch.values.clone()
    poisoned[1, 1] = torch.nan
    again = model.encoder(Padded(poisoned, keep))
    torch.testing.assert_close(again.values[keep_all(keep)], states.values[keep_all(keep)], rtol=0, atol=1e-12)


def keep_all(keep: torch.Tensor) -> torch.Tensor:
    return torch.cat((torch.ones(len(keep), 2, dtype=torch.bool), keep), 1)


@pytest.mark.parametrize("shape", [(2, 3, 3, 3, 5), (2, 4, 3, 5, 3)])
def test_pictures_of_another_size_are_refused(shape: tuple[int, ...]) -> None:
    values = torch.zeros(shape)
    with pytest.raises(ShapeError, match=r"\[4, 3, 3, 5\] behind b, got \[2, "):
        made(source=PICTURE).encoder(Padded(values, torch.ones(shape[:2], dtype=torch.bool)))


def test_who_reads_no_text_has_no_table_for_it() -> None:
    names = [name for name, _ in made(source=SOUND).named_parameters()]
    assert not any(name.startswith("encoder.embed.table") for name in names)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"source": SOUND, "kind": "recurrent"}, "source sound wants kind transformer"),
        ({"bridge": True, "kind": "decoder_only"}, "bridge True wants kind transformer"),
        ({"encoder": {"width": 6}, "kind": "recurrent"}, "encoder {'width': 6} wants kind transformer"),
        ({"encoder": {"width": 14}}, "encoder's width 14 is no multiple of its 3 heads"),
        ({"encoder": {"width": 15}, "tie": "all"}, "tie 'all' wants one width, got 15 in the encoder and 12"),
        ({"source": {**PICTURE, "patch_width": 13}}, "patches of 3 x 13 pixels do not fit a picture of 7 x 11"),
    ],
)
def test_what_does_not_fit_is_refused(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ModelConfig.model_validate(SHAPE | keys)


def test_configurations_return_from_json() -> None:
    config = ModelConfig.model_validate(SHAPE | {"source": PICTURE, "encoder": {"width": 24}, "bridge": True})
    assert ModelConfig.model_validate_json(config.model_dump_json()) == config
    assert config.memory_width == 12
    assert config.model_copy(update={"bridge": False}).memory_width == 24
