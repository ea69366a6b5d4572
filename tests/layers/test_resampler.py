"""Latents in the place of positions: as many as asked for, blind to padding and to order, and none for nothing."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from weft.attention import Record
from weft.base.padded import Padded
from weft.models.build import build
from weft.models.config import ModelConfig
from weft.models.encoder_decoder import EncoderDecoder

LATENTS = 5
SHAPE: dict[str, Any] = {
    "vocabulary_size": 23,
    "width": 12,
    "num_heads": 3,
    "feedforward_width": 17,
    "encoder_layers": 1,
    "decoder_layers": 2,
    "source": {
        "modality": "picture",
        "height": 9,
        "width": 21,
        "patch_height": 3,
        "patch_width": 3,
        "class_tokens": 0,
        "resampler": {"latents": LATENTS, "layers": 2},
    },
}


def model(backend: str = "fused") -> EncoderDecoder:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        found = build(ModelConfig.model_validate({**SHAPE, "backend": backend}))
    assert isinstance(found, EncoderDecoder)
    return found.double().eval()


def states(length: int = 11) -> Padded:
    values = torch.randn(2, length, 12, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    keep = torch.ones(2, length, dtype=torch.bool)
    keep[1, 7:] = False
    return Padded(values, keep)


@pytest.mark.parametrize("backend", ["fused", "reference"])
@torch.no_grad()
def test_padding_and_order_of_positions_change_nothing(backend: str) -> None:
    resampler, source = model(backend).encoder.resampler, states()
    wanted = resampler(source)
    assert wanted.values.shape == (2, LATENTS, 12)
    assert wanted.keep.all()
    longer = torch.nn.functional.pad(source.values, (0, 0, 0, 4), value=9.0)
    padded = resampler(Padded(longer, torch.nn.functional.pad(source.keep, (0, 4))))
    torch.testing.assert_close(padded.values, wanted.values, rtol=1e-10, atol=1e-10)
    order = torch.randperm(11, generator=torch.Generator().manual_seed(7))
    turned = resampler(Padded(source.values[:, order], source.keep[:, order]))
    torch.testing.assert_close(turned.values, wanted.values, rtol=1e-10, atol=1e-10)
    alone = resampler(Padded(source.values[1:, :7], source.keep[1:, :7]))
    torch.testing.assert_close(alone.values[0], wanted.values[1], rtol=1e-10, atol=1e-10)


@torch.no_grad()
def test_of_nothing_there_is_nothing() -> None:
    source = states()
    source.keep[0] = False
    assert model().encoder.resampler(source).keep.tolist() == [[False] * LATENTS, [True] * LATENTS]


@torch.no_grad()
def test_the_decoder_reads_latents_alone_and_recording_changes_no_bit() -> None:
    net, record = model(), Record()
    pixels = torch.randn(2, 21, 3, 3, 3, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    source, target = Padded(pixels, torch.ones(2, 21, dtype=torch.bool)), torch.tensor([[4, 5], [6, 7]])
    logits = net(source, target, record)
    assert torch.equal(logits, net(source, target))
    assert record.at("decoder.1.target_to_source")[0].memory.k.shape[2] == LATENTS
    assert record.at("encoder.resampler.1.latents_to_source")[0].memory.k.shape[2] == 21 + LATENTS
    steps = net.init_cache(net.encode(source), beam=1, capacity=2)
    for place in range(2):
        one, steps = net.step(target[:, place : place + 1], steps)
        torch.testing.assert_close(one[:, 0], logits[:, place], rtol=1e-10, atol=1e-10)


def test_every_weight_of_it_learns() -> None:
    net = model()
    source = Padded(torch.randn(2, 21, 3, 3, 3, dtype=torch.float64), torch.ones(2, 21, dtype=torch.bool))
    net(source, torch.tensor([[4, 5], [6, 7]])).square().sum().backward()
    idle = [name for name, weight in net.encoder.resampler.named_parameters() if not weight.grad.abs().sum() > 0]
    assert [name for name in idle if not name.endswith("kv.bias")] == []
