"""Models of several sources: what their configuration refuses, what their inputs must be, what they share."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from weft.base.errors import ConfigError
from weft.base.padded import Padded, pad
from weft.base.sources import Sources
from weft.base.validate import validate
from weft.models.build import build
from weft.models.config import ModelConfig
from weft.models.several import SeveralSources

SHAPE = {"vocabulary_size": 23, "width": 12, "num_heads": 2, "feedforward_width": 17, "encoder_layers": 1}
TWO = {"en": {"required": True}, "de": {}}


def make(**changes: Any) -> SeveralSources:
    torch.default_generator.manual_seed(3)
    model = build(validate(ModelConfig, {**SHAPE, "sources": TWO, **changes}, where="test"))
    assert isinstance(model, SeveralSources)
    return model


def test_a_source_that_the_model_does_not_know_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"this model has no source ed; known are de, en"):
        make().encode(Sources({"en": pad([[5, 2]]), "ed": pad([[5, 2]])}))


def test_a_required_source_must_be_given() -> None:
    with pytest.raises(ConfigError, match=r"this model wants its source en for every input, got de; give it too"):
        make().encode(Sources({"de": pad([[5, 2]])}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "recurrent"}, "sources want kind transformer, and neither source nor alignment_head"),
        ({"source": {"modality": "sound"}}, "sources want kind transformer, and neither source nor alignment_head"),
        ({"alignment_head": {"layer": 0}}, "sources want kind transformer, and neither source nor alignment_head"),
        ({"sources": {"En": {}}}, "a source's name must be lower-case letters, digits and _, got 'En'"),
        ({"sources": {"source": {}}}, "a source's name must be lower-case letters, digits and _, got 'source'"),
        (
            {"sources": {"de": {"same_as": "en"}, "en": {}}},
            "same_as of source de must name an earlier one, got en; there are none",
        ),
        (
            {"sources": {"en": {}, "de": {"same_as": "en", "layers": 2}}},
            "source de has the encoder of en, so it must read the same and have no encoder or layers of its own",
        ),
        ({"sources": {"en": {"encoder": {"width": 8}}}}, "tie 'all' wants one width, got 8 in the encoder and 12"),
        ({"sources": {"en": {"encoder": {"num_heads": 5}}}}, "the encoder's width 12 is no multiple of its 5 heads"),
        ({"sources": {"en": {"requierd": True}}}, r"unknown key sources.en.requierd; did you mean required\?"),
        ({"fusion": "sum"}, "fusion"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make(**changes)


def test_a_shared_encoder_is_one() -> None:
    apart, shared = make(), make(sources={"en": {}, "de": {"same_as": "en"}})
    assert {name.split(".")[1] for name, _ in apart.encoders.named_parameters()} == {"en", "de"}
    assert {name.split(".")[1] for name, _ in shared.encoders.named_parameters()} == {"en"}
    target = torch.tensor([[5, 6]])
    one, other = (
        shared(Sources({name: pad([[7, 8, 2]]) for name in names}), target) for names in (("en",), ("en", "de"))
    )
    assert not torch.equal(one, other)


def test_texts_share_one_table_of_tokens_and_the_projection_has_it_too() -> None:
    model = make()
    tables = {module.weight.data_ptr() for module in model.modules() if isinstance(module, torch.nn.Embedding)}
    assert tables == {model.out.projection.weight.data_ptr()}


@torch.no_grad()
def test_a_row_that_lacks_a_source_is_not_read_by_its_encoder() -> None:
    model, read = make().eval(), []
    model.encoders.readers["de"].encoder.register_forward_hook(  # type: ignore[union-attr, operator]
        lambda module, given, found: read.append(len(given[0]))
    )
    some = Padded(torch.full((3, 2), 5), torch.tensor([[True, True], [False, False], [True, False]]))
    model(Sources({"en": pad([[5], [6], [7]]), "de": some}), torch.full((3, 2), 4))
    model(Sources({"en": pad([[5], [6], [7]]), "de": some.select(torch.tensor([1, 1, 1]))}), torch.full((3, 2), 4))
    assert read == [2]


def test_closed_gates_are_where_training_starts() -> None:
    gates = [value for name, value in make(fusion="gated").named_parameters() if ".gates." in name]
    assert [gate.item() for gate in gates] == [0.0] * 4
