"""A configuration survives JSON, refuses what cannot be, and every shape it can name is built."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from weft.base.padded import pad
from weft.models.build import build
from weft.models.config import ModelConfig
from weft.models.presets import PRESETS

EVERYTHING: dict[str, Any] = {
    "kind": "transformer",
    "source": {"modality": "sound", "bands": 5, "positions": 13, "position": "learned"},
    "encoder": {
        "width": 14,
        "num_heads": 3,
        "feedforward_width": 23,
        "activation": "relu",
        "norm_epsilon": 1e-4,
        "norm_position": "pre",
        "dropout": 0.1,
        "attention_dropout": 0.15,
        "feedforward_dropout": 0.05,
    },
    "fusion": "parallel",
    "bridge": True,
    "vocabulary_size": 29,
    "target_vocabulary_size": 31,
    "width": 12,
    "num_heads": 6,
    "decoder_heads": 9,
    "num_groups": 3,
    "key_width": 10,
    "value_width": 7,
    "feedforward_width": 17,
    "decoder_feedforward_width": 19,
    "encoder_layers": 2,
    "decoder_layers": 1,
    "activation": "swiglu",
    "bias": False,
    "norm": "rms",
    "norm_epsilon": 1e-3,
    "norm_position": "post",
    "embedding_scale": "none",
    "embedding_norm": True,
    "position": "relative",
    "position_offset": 2,
    "relative_buckets": 8,
    "relative_distance": 37,
    "relative_tables": "layers",
    "attention_scale": 1.0,
    "max_length": 31,
    "dropout": 0.2,
    "feedforward_dropout": 0.3,
    "attention_dropout": 0.25,
    "tie": "target",
    "logits_scale": 0.5,
    "logits_bias": True,
    "backend": "reference",
    "alignment_head": {"layer": 0, "head": 5},
    "reading": {
        "chunk": 100,
        "numbers": "int8",
        "tolerance": 0.01,
        "page": 8,
        "pages": 16,
        "crossover": 999,
        "num": 32,
        "width": 100,
        "head": 1,
        "keep": 0.8,
        "features": 32,
        "stride": 8,
        "refine": 2,
        "length_scaling": "log",
        "trained_length": 17,
    },
}

LONG: dict[str, Any] = {
    "vocabulary_size": 29,
    "decoder_layers": 3,
    "attention": ("linear", "pages", "dense"),
    "encoder_layers": 2,
    "encoder_attention": ("local", "blocks"),
    "encoder_reading": {
        "window": 5,
        "global_tokens": 2,
        "block": 7,
        "near": 2,
        "global_blocks": 3,
        "drawn": 0,
    },
}
"""Where weights of attention are dropped, or positions are relative, it is dense."""

SEVERAL: dict[str, Any] = {
    "vocabulary_size": 29,
    "sources": {
        "en": {"reads": {"modality": "text"}, "layers": 3, "same_as": None, "required": True},
        "de": {"reads": {"modality": "text"}, "layers": None, "same_as": "en", "required": False},
    },
}
"""In the place of one source."""


@pytest.mark.parametrize("values", [EVERYTHING, LONG, {"vocabulary_size": 5}], ids=["everything", "long", "defaults"])
def test_a_configuration_survives_json(values):
    config = ModelConfig.model_validate(values)
    assert ModelConfig.model_validate_json(config.model_dump_json()) == config
    assert values.items() <= config.model_dump().items()


def test_several_sources_survive_json_in_their_order():
    config = ModelConfig.model_validate(SEVERAL)
    again = ModelConfig.model_validate_json(config.model_dump_json())
    assert again == config
    assert list(again.sources) == ["en", "de"]
    assert {name: {**one, "encoder": {}} for name, one in again.model_dump()["sources"].items()} == {
        name: {**one, "encoder": {}} for name, one in SEVERAL["sources"].items()
    }


def test_every_key_is_in_the_round_trips_above_and_not_at_its_default():
    defaults = ModelConfig(vocabulary_size=5).model_dump()
    assert set(EVERYTHING) | set(SEVERAL) | set(LONG) == set(defaults)
    for key in ("sources", "attention", "encoder_attention", "encoder_reading"):
        del defaults[key]
    assert [key for key in defaults if defaults[key] == EVERYTHING[key]] == ["kind"]


def test_a_configuration_is_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        ModelConfig(vocabulary_size=5).width = 7  # type: ignore[misc]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"heads": 3}, "heads\n  Extra inputs are not permitted"),
        ({"num_heads": 5}, "width 12 is no multiple of num_heads 5; set key_width and value_width"),
        ({"num_heads": 5, "key_width": 4}, "width 12 is no multiple of num_heads 5; set key_width and value_width"),
        ({"num_heads": 6, "num_groups": 4}, "num_heads 6 must be a multiple of num_groups 4"),
        ({"num_heads": 4, "position": "rotary"}, "rotary positions want an even key width, got 3; set key_width"),
        ({"position": "rotary", "key_width": 5}, "rotary positions want an even key width, got 5; set key_width"),
        ({"num_heads": 0}, "num_heads\n  Input should be greater than 0"),
        ({"dropout": 1.0}, "dropout\n  Input should be less than 1"),
        ({"activation": "tanh"}, "activation\n  Input should be 'relu', 'gelu', "),
        ({"vocabulary_size": 0}, "vocabulary_size\n  Input should be greater than 0"),
    ],
)
def test_what_cannot_be_is_refused(change, message):
    with pytest.raises(ValidationError, match=message):
        ModelConfig.model_validate({"vocabulary_size": 29, "width": 12, "num_heads": 3, **change})


def test_heads_that_do_not_divide_the_width_may_bring_their_own():
    config = ModelConfig(vocabulary_size=29, width=12, num_heads=5, key_width=4, value_width=3, feedforward_width=17)
    with torch.device("meta"):
        attention = build(config).decoder.layers[0].cross_attention.sublayer
    assert attention.q.weight.shape == (20, 12)
    assert attention.kv.weight.shape == (5 * (4 + 3), 12)
    assert attention.out.weight.shape == (12, 15)


@pytest.mark.parametrize("tie", ["all", "target", "none"])
def test_ties_share_one_table_in_value_in_gradient_and_in_count(tie):
    model = build(ModelConfig(vocabulary_size=29, width=12, num_heads=3, tie=tie))
    tables = [model.encoder.embed.table.weight, model.decoder.embed.table.weight, model.out.projection.weight]
    assert len({id(table) for table in tables}) == {"all": 1, "target": 2, "none": 3}[tie]
    assert (tables[1] is tables[2]) == (tie != "none")
    names = [name for name, _ in model.named_parameters() if "table" in name or "projection" in name]
    assert len(names) == {"all": 1, "target": 2, "none": 3}[tie]


VARIANTS = list(
    itertools.product(
        ["layer", "rms"], ["pre", "post"], ["relu", "gelu", "swiglu"], ["sinusoidal", "learned", "rotary"], [1, 2, 4]
    )
)


@pytest.mark.parametrize(("norm", "norm_position", "activation", "position", "groups"), VARIANTS)
def test_every_combination_is_built_and_steps_as_it_reads(norm, norm_position, activation, position, groups):
    torch.default_generator.manual_seed(2)
    model: Any = build(
        ModelConfig(
            vocabulary_size=11,
            width=16,
            num_heads=4,
            num_groups=groups,
            feedforward_width=13,
            encoder_layers=1,
            decoder_layers=1,
            norm=norm,
            norm_position=norm_position,
            activation=activation,
            position=position,
        )
    )
    model = model.double().eval()
    source, target = pad([[5, 6, 7], [8]]), torch.tensor([[3, 4, 5], [6, 7, 8]])
    with torch.no_grad():
        whole = model(source, target)
        cache = model.init_cache(model.encode(source), beam=1, capacity=3)
        for step in range(3):
            logits, cache = model.step(target[:, step : step + 1], cache)
            torch.testing.assert_close(logits[:, 0], whole[:, step], atol=1e-10, rtol=0)


def test_presets_grow():
    sizes = []
    for shape in PRESETS.values():
        with torch.device("meta"):
            sizes.append(
                sum(weight.numel() for weight in build(ModelConfig(vocabulary_size=8000, **shape)).parameters())
            )
    assert sizes == sorted(sizes)
    assert list(PRESETS) == ["tiny", "small", "base", "big"]
