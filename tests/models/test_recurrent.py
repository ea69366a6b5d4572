"""The recurrent baseline: everything passes through one vector."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch

from weft.attention.record import Record
from weft.base.errors import ConfigError, ShapeError
from weft.base.padded import Padded, pad
from weft.models.build import build
from weft.models.config import ModelConfig
from weft.models.recurrent import Recurrent

SOURCES = [[5, 6, 7, 2], [8, 2], [9, 4, 5, 6, 11, 7, 2]]


def make(**changes: Any) -> Recurrent:
    torch.manual_seed(3)
    shape = {"vocabulary_size": 23, "width": 13, "num_heads": 1, "encoder_layers": 2, "decoder_layers": 3}
    model = build(ModelConfig.model_validate({"kind": "recurrent", **shape, **changes}))
    assert isinstance(model, Recurrent)
    return model.double().eval()


@torch.no_grad()
def test_a_source_is_one_vector_whatever_its_length() -> None:
    model = make()
    assert model.encode(pad(SOURCES)).vector.shape == (3, 13)
    assert model.encode(pad([list(range(3, 20)) * 5])).vector.shape == (1, 13)


@torch.no_grad()
def test_logits_depend_on_the_source_through_its_vector_alone() -> None:
    model, target = make(), torch.tensor([[3, 8, 9]])
    summary = model.encode(pad([SOURCES[0]]))
    states, _ = model.decoder(target, summary.vector, model.decoder.begin(summary))
    assert torch.equal(model.out(states), model(pad([SOURCES[0]]), target))


@torch.no_grad()
def test_both_ends_of_a_source_reach_its_vector() -> None:
    model, source = make(), [5, 6, 7, 8, 9, 2]
    plain = model.encode(pad([source])).vector
    for place in range(len(source)):
        changed = [*source[:place], 13, *source[place + 1 :]]
        assert not torch.allclose(model.encode(pad([changed])).vector, plain)


@torch.no_grad()
def test_padding_may_stand_anywhere_in_a_source() -> None:
    model = make()
    gaps = Padded(torch.tensor([[9, 5, 6, 9, 7, 2, 9]]), torch.tensor([[0, 1, 1, 0, 1, 1, 0]]).bool())
    torch.testing.assert_close(model.encode(gaps).vector, model.encode(pad([[5, 6, 7, 2]])).vector, rtol=0, atol=1e-10)


def test_a_source_without_tokens_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"at least one real token, row 1 has none; end each source with </s>"):
        make().encode(pad([[5, 2], []]))


def test_something_must_read_the_source() -> None:
    with pytest.raises(ConfigError, match="kind recurrent wants encoder_layers of at least 1, got 0"):
        make(encoder_layers=0)


def test_nothing_attends_so_nothing_is_recorded() -> None:
    record = Record()
    make()(pad(SOURCES), torch.full((3, 2), 4), record)
    assert record.entries == []


def test_dropout_falls_in_training_only_and_one_layer_warns_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = make(dropout=0.5, encoder_layers=1, decoder_layers=1)
    target = torch.full((3, 2), 4)
    assert torch.equal(model(pad(SOURCES), target), model(pad(SOURCES), target))
    model.train()
    assert not torch.equal(model(pad(SOURCES), target), model(pad(SOURCES), target))


def test_tables_are_shared_as_the_configuration_says() -> None:
    names = {tie: {name for name, _ in make(tie=tie).named_parameters()} for tie in ("all", "target", "none")}
    assert names["target"] - names["all"] == {"decoder.embed.table.weight"}
    assert names["none"] - names["target"] == {"out.projection.weight"}
