"""The decoder-only baseline: one sequence, prompts read once."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from weft.attention.record import Record
from weft.base.errors import ShapeError
from weft.base.padded import Padded, pad
from weft.models.build import build
from weft.models.config import ModelConfig
from weft.models.decoder_only import DecoderOnly

SOURCES = [[5, 6, 7, 2], [8, 2], [9, 4, 5, 6, 11, 7, 2]]


def make(**changes: Any) -> DecoderOnly:
    torch.manual_seed(3)
    shape = {"vocabulary_size": 23, "width": 12, "num_heads": 2, "feedforward_width": 17, "decoder_layers": 2}
    model = build(ModelConfig.model_validate({"kind": "decoder_only", **shape, **changes}))
    assert isinstance(model, DecoderOnly)
    return model.double().eval()


@torch.no_grad()
def test_forward_reads_source_then_target_as_one_causal_sequence() -> None:
    """What a joint sequence gives at target positions equals what its steps give when all of it is the target."""
    model, source, target = make(), [5, 6, 7, 2], [3, 8, 9]
    logits = model(pad([source]), torch.tensor([target]))
    nothing = Padded(torch.zeros(1, 1).long(), torch.zeros(1, 1).bool())
    joint = model(nothing, torch.tensor([source + target]))
    torch.testing.assert_close(logits, joint[:, len(source) :], rtol=0, atol=1e-10)


@torch.no_grad()
def test_padding_may_stand_anywhere_in_a_source() -> None:
    model, target = make(), torch.tensor([[3, 8, 9]])
    gaps = Padded(torch.tensor([[9, 5, 6, 9, 7, 2, 9]]), torch.tensor([[0, 1, 1, 0, 1, 1, 0]]).bool())
    torch.testing.assert_close(model(gaps, target), model(pad([[5, 6, 7, 2]]), target), rtol=0, atol=1e-10)
    stepped, _ = model.step(target[:, :1], model.init_cache(model.encode(gaps), beam=1, capacity=1))
    torch.testing.assert_close(stepped, model(gaps, target)[:, :1], rtol=0, atol=1e-10)


@torch.no_grad()
def test_a_prompt_is_held_once_for_all_hypotheses_and_its_layers_are_run_once() -> None:
    model, beam, capacity = make(), 5, 3
    memory = model.encode(pad(SOURCES))
    cache = model.init_cache(memory, beam=beam, capacity=capacity)
    assert cache.histories[0].k.shape == (3, 2, 7 + beam * capacity, 6)
    places = [history.k.data_ptr() for history in cache.histories]
    record = Record()
    for _ in range(capacity):
        _, cache = model.step(torch.full((3, beam), 4), cache, record)
        cache = cache.reorder(torch.randint(0, beam, (3, beam), generator=torch.Generator().manual_seed(1)))
    assert [history.k.data_ptr() for history in cache.histories] == places
    assert {entry.memory.k.data_ptr() for entry in record.entries} == set(places), "steps attend over views"


@torch.no_grad()
def test_steps_record_the_weights_on_prompt_and_history() -> None:
    model, record = make(), Record(sites=["decoder.1.self"])
    cache = model.init_cache(model.encode(pad(SOURCES)), beam=2, capacity=3)
    plain, _ = model.step(torch.full((3, 2), 4), cache)
    cache = model.init_cache(model.encode(pad(SOURCES)), beam=2, capacity=3)
    seen, cache = model.step(torch.full((3, 2), 4), cache, record)
    assert torch.equal(plain, seen), "recording changes no bit"
    model.step(torch.full((3, 2), 5), cache, record)
    weights = record.at("decoder.1.self")[1].weights()
    assert weights.shape == (3, 2, 2, 7 + 2 * 2)
    torch.testing.assert_close(weights.sum(-1), torch.ones_like(weights[..., 0]))
    assert weights[1, :, :, 2:7].max() == 0, "columns of padding"
    assert weights[:, :, 0, [8, 10]].max() == 0, "slots of the other hypothesis"


def test_the_cache_ends_where_its_capacity_does() -> None:
    model = make()
    _, cache = model.step(torch.full((3, 1), 4), model.init_cache(model.encode(pad(SOURCES)), beam=1, capacity=1))
    with pytest.raises(ShapeError, match="holds 1 steps and all are used; ask for a larger capacity"):
        model.step(torch.full((3, 1), 4), cache)


def test_learned_positions_end_where_prompt_and_target_together_do() -> None:
    model = make(position="learned", max_length=9)
    model(pad(SOURCES), torch.full((3, 2), 4))
    with pytest.raises(ShapeError, match="learned positions end at 9, got position 9"):
        model(pad(SOURCES), torch.full((3, 3), 4))


def test_one_table_serves_source_and_target() -> None:
    tied, apart = make(tie="all"), make(tie="none")
    assert tied.out.projection.weight is tied.embed.table.weight
    assert apart.out.projection.weight is not apart.embed.table.weight
    assert [name for name, _ in tied.named_parameters() if "table" in name] == ["embed.table.weight"]
