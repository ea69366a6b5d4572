"""A tiny model learns to copy and to reverse in seconds, and its cross-attention is then the (anti)diagonal."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F

from weft.attention import Record
from weft.base.padded import Padded, pad
from weft.models.build import build
from weft.models.config import ModelConfig

BOS, EOS, FIRST, VOCABULARY, STEPS = 1, 2, 3, 19, 400


def batch(size: int, reverse: bool) -> tuple[Padded, torch.Tensor, torch.Tensor]:
    """Sources of 3 to 7 symbols, target input and target output, the last with -100 at padding."""
    sources = [torch.randint(FIRST, VOCABULARY, (int(torch.randint(3, 8, ())),)).tolist() for _ in range(size)]
    targets = [source[::-1] if reverse else source for source in sources]
    outputs = pad([[*target, EOS] for target in targets])
    return (
        pad([[*source, EOS] for source in sources]),
        pad([[BOS, *target] for target in targets]).values,
        outputs.values.masked_fill(~outputs.keep, -100),
    )


@pytest.fixture(scope="module", params=["copy", "reverse"])
def task(request: pytest.FixtureRequest) -> tuple[bool, Any]:
    """Whether the target is reversed, and a model of one layer each that has learned it."""
    reverse = request.param == "reverse"
    torch.default_generator.manual_seed(5)
    shape = {"width": 32, "num_heads": 2, "feedforward_width": 64, "encoder_layers": 1, "decoder_layers": 1}
    model = build(ModelConfig(vocabulary_size=VOCABULARY, dropout=0.0, **shape))
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=STEPS)
    for _ in range(STEPS):
        source, target, output = batch(64, reverse)
        loss = F.cross_entropy(model(source, target).flatten(0, 1), output.flatten(), ignore_index=-100)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return reverse, model.eval()


@torch.no_grad()
def test_it_is_learned(task):
    reverse, model = task
    source, target, output = batch(200, reverse)
    right = (model(source, target).argmax(-1) == output) | (output == -100)
    assert right.all(1).double().mean() > 0.9


@torch.no_grad()
def test_cross_attention_is_the_diagonal(task):
    """The step that writes a symbol looks at the symbol it writes, before it has read it."""
    reverse, model = task
    source, target, _ = batch(100, reverse)
    record = Record(sites=["decoder.0.target_to_source"])
    model(source, target, record)
    looked = record.entries[0].weights().mean(1)  # b t s
    hits = total = 0
    for row in range(100):
        length = int(source.lengths[row]) - 1
        for step in range(length):
            wanted = length - 1 - step if reverse else step
            hits += int(looked[row, step].argmax() == wanted)
            total += 1
    assert hits / total > 0.9


@torch.no_grad()
def test_steps_write_it_from_a_beam_of_one(task):
    reverse, model = task
    source, _, output = batch(50, reverse)
    cache = model.init_cache(model.encode(source), beam=1, capacity=8)
    token, right = torch.full((50, 1), BOS), torch.ones(50, dtype=torch.bool)
    for step in range(output.shape[1]):
        logits, cache = model.step(token, cache)
        token = logits.argmax(-1)
        right &= (token[:, 0] == output[:, step]) | (output[:, step] == -100)
    assert right.double().mean() > 0.9
