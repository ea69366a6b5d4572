"""What every kind of model owes the search, whatever it is made of."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from weft.base.padded import Padded, pad
from weft.models.build import build
from weft.models.config import ModelConfig

VOCABULARY = 23
SOURCES = [[5, 6, 7, 2], [8, 2], [9, 4, 5, 6, 11, 7, 2]]
VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "post": {"norm_position": "post", "norm": "rms", "tie": "none"},
    "learned": {"position": "learned", "max_length": 31, "tie": "target", "activation": "gelu"},
    "rotary": {"position": "rotary", "num_groups": 1, "activation": "swiglu"},
    "reference": {"backend": "reference", "key_width": 5, "value_width": 7, "num_heads": 3},
    "borrowed": {"logits_bias": True, "logits_scale": 0.3, "bias": False, "embedding_norm": True, "activation": "silu"},
}
ENCODER_DECODER: dict[str, dict[str, Any]] = {
    "relative": {"position": "relative", "relative_buckets": 6, "relative_distance": 5, "attention_scale": 1.0},
    "own_tables": {"position": "relative", "relative_tables": "layers", "backend": "reference", "num_heads": 3},
    "two_halves": {"decoder_heads": 3, "decoder_feedforward_width": 19, "tie": "embeddings", "num_groups": 1},
    "two_vocabularies": {"target_vocabulary_size": 29, "tie": "target", "position": "evenly_spaced"},
    "short_sighted": {
        "encoder_attention": ["local", "blocks"],
        "encoder_reading": {"window": 1, "block": 2, "near": 0},
    },
}
"""What only a decoder beside an encoder can be."""


CASES = [
    *((kind, name) for kind in ("transformer", "recurrent", "decoder_only") for name in VARIANTS),
    *(("transformer", name) for name in ENCODER_DECODER),
]


@pytest.fixture(params=CASES, ids="-".join)
def model(request: pytest.FixtureRequest) -> Any:
    kind, name = request.param
    torch.manual_seed(3)
    shape = {"width": 12, "num_heads": 2, "feedforward_width": 17, "encoder_layers": 2, "decoder_layers": 2}
    config = ModelConfig.model_validate(
        {"kind": kind, "vocabulary_size": VOCABULARY, **shape, **(VARIANTS | ENCODER_DECODER)[name]}
    )
    return build(config).double().eval()


def tokens(*shape: int) -> torch.Tensor:
    return torch.randint(3, VOCABULARY, shape, generator=torch.Generator().manual_seed(sum(shape)))


@torch.no_grad()
def test_steps_equal_forward_through_beams_reorders_and_selects(model: Any) -> None:
    beam, steps, generator = 3, 6, torch.Generator().manual_seed(5)
    rows, cache = list(range(len(SOURCES))), model.init_cache(model.encode(pad(SOURCES)), beam=beam, capacity=steps)
    written: list[list[list[int]]] = [[[] for _ in range(beam)] for _ in SOURCES]
    for step in range(steps):
        read = torch.randint(3, VOCABULARY, (len(rows), beam), generator=generator)
        logits, cache = model.step(read, cache)
        written = [
            [[*past, int(token)] for past, token in zip(beams, new, strict=True)]
            for beams, new in zip(written, read, strict=True)
        ]
        for place, row in enumerate(rows):
            alone = Padded(torch.tensor([SOURCES[row]]).expand(beam, -1), torch.ones(beam, len(SOURCES[row])).bool())
            whole = model(alone, torch.tensor(written[place]))
            torch.testing.assert_close(logits[place], whole[:, -1], rtol=0, atol=1e-10)
        parents = torch.randint(0, beam, (len(rows), beam), generator=generator)
        cache = cache.reorder(parents)
        written = [
            [beams[parent] for parent in chosen] for beams, chosen in zip(written, parents.tolist(), strict=True)
        ]
        if step in (1, 3):
            kept = [2, 0] if step == 1 else [1]
            cache = cache.select(torch.tensor(kept))
            rows, written = [rows[place] for place in kept], [written[place] for place in kept]


@torch.no_grad()
def test_padding_and_batch_composition_change_nothing(model: Any) -> None:
    source, target = pad(SOURCES), tokens(3, 5)
    logits = model(source, target)
    for row in range(3):
        alone = model(pad([SOURCES[row]]), target[row : row + 1])
        torch.testing.assert_close(logits[row], alone[0], rtol=0, atol=1e-10)
    wider = Padded(
        torch.cat((source.values, torch.full((3, 5), 9)), 1), torch.cat((source.keep, torch.zeros(3, 5).bool()), 1)
    )
    torch.testing.assert_close(model(wider, target), logits, rtol=0, atol=1e-10)
    order = torch.tensor([2, 0, 1])
    torch.testing.assert_close(model(source.select(order), target[order]), logits[order], rtol=0, atol=1e-10)


@torch.no_grad()
def test_memory_may_be_selected_before_it_is_read(model: Any) -> None:
    memory, rows = model.encode(pad(SOURCES)), torch.tensor([2, 1])
    read = tokens(2, 5)
    first, _ = model.step(read, model.init_cache(memory.select(rows), beam=5, capacity=1))
    again, _ = model.step(read, model.init_cache(model.encode(pad(SOURCES).select(rows)), beam=5, capacity=1))
    torch.testing.assert_close(first, again, rtol=0, atol=1e-10)


@torch.no_grad()
def test_a_memory_serves_several_searches(model: Any) -> None:
    memory, read = model.encode(pad(SOURCES)), tokens(3, 1)
    once, cache = model.step(read, model.init_cache(memory, beam=1, capacity=3))
    model.step(read + 1, cache)
    twice, _ = model.step(read, model.init_cache(memory, beam=1, capacity=2))
    assert torch.equal(once, twice)


def test_target_tokens_see_no_later_ones(model: Any) -> None:
    source, target = pad(SOURCES), tokens(3, 5)
    changed = target.clone()
    changed[:, 3] = 3 + (changed[:, 3] - 2) % (VOCABULARY - 3)
    before, after = model(source, target), model(source, changed)
    torch.testing.assert_close(before[:, :3], after[:, :3], rtol=0, atol=1e-10)
    assert not torch.allclose(before[:, 3], after[:, 3])


def test_every_weight_learns(model: Any) -> None:
    model(pad(SOURCES), tokens(3, 5)).square().sum().backward()
    idle = [name for name, weight in model.named_parameters() if weight.grad is None]
    assert idle == []


@torch.no_grad()
def test_states_times_the_table_are_the_logits(model: Any) -> None:
    """A loss that never forms all logits learns from these, the bias and the scale of the logits included."""
    source, target = pad(SOURCES), tokens(3, 5)
    logits = model.states(source, target) @ model.projection().T
    torch.testing.assert_close(logits, model(source, target), rtol=0, atol=1e-10)
