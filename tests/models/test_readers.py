"""Attention by name: in a configuration, each layer its own, and for a model that is there."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError

from weft.attention import ByLength, Chunked, Fused, Moving, Pages, TopK
from weft.attention.linear import Linear
from weft.attention.pooled import Pooled
from weft.base.errors import ConfigError, UnsupportedError
from weft.base.padded import pad
from weft.models.build import build
from weft.models.config import ModelConfig
from weft.models.readers import read_by, told_of
from weft.models.reading import UNTRAINED, Reading

SHAPE = {
    "vocabulary_size": 23,
    "width": 16,
    "num_heads": 2,
    "feedforward_width": 8,
    "encoder_layers": 1,
    "decoder_layers": 2,
    "dropout": 0.0,
}
SOURCE = pad([[5, 6, 7, 8, 9, 10, 11], [12, 13, 14]])
TARGET = torch.tensor([[1, 5, 6, 7], [1, 8, 9, 2]])


def config(**more: object) -> ModelConfig:
    return ModelConfig.model_validate({**SHAPE, **more})


def model(shape: ModelConfig) -> torch.nn.Module:
    torch.default_generator.manual_seed(3)
    return build(shape).eval().double()


def back_ends(network: torch.nn.Module) -> list[object]:
    return [cross.backend for cross in network.decoder.cross_attentions()]


@pytest.mark.parametrize(
    ("name", "cls"),
    [
        ("dense", Fused),
        ("chunked", Chunked),
        ("pages", Pages),
        ("top-k", TopK),
        ("top-k-shared", TopK),
        ("window", Moving),
        ("auto", ByLength),
        ("linear", Linear),
        ("favor", Linear),
        ("pooled", Pooled),
    ],
)
def test_every_name_is_a_model_that_steps_as_it_goes_forward(name, cls):
    told = {"page": 2, "pages": 1, "num": 3, "width": 1, "stride": 2, "refine": 1, "crossover": 5, "features": 8}
    network = model(config(attention=name, reading={**told, "tolerance": 0.0}))
    assert all(isinstance(backend, cls) for backend in back_ends(network))
    forward = network(SOURCE, TARGET)
    cache = network.init_cache(network.encode(SOURCE), beam=1, capacity=4)
    for position in range(4):
        logits, cache = network.step(TARGET[:, position : position + 1], cache)
        torch.testing.assert_close(logits[:, 0], forward[:, position])


def test_layers_may_differ():
    kinds = back_ends(model(config(attention=["linear", "dense"])))
    assert [type(kind) for kind in kinds] == [Linear, Fused]


def test_an_index_lost_on_the_way_to_a_search_is_made_again():
    network = model(config(attention="pages", reading={"page": 2, "pages": 1}))
    encoded = network.encode(SOURCE)
    joined = type(encoded).joined(encoded.parts())
    assert joined.cross[0].index is None
    assert network.init_cache(joined, beam=2, capacity=3).encoded.cross[0].index is not None


def test_one_memory_is_not_copied_to_be_joined():
    one = model(config()).encode(SOURCE).parts()[0]
    assert type(one).joined([one]) is one


@pytest.mark.parametrize("numbers", ["bfloat16", "int8"])
def test_fewer_bits_survive_parts_and_joining(numbers):
    network = model(config(attention="chunked", reading={"numbers": numbers}))
    encoded = network.encode(SOURCE)
    joined = type(encoded).joined(encoded.parts())
    ready = network.init_cache(joined, beam=1, capacity=3).encoded.cross[0]
    assert ready.k.dtype is getattr(torch, numbers)
    torch.testing.assert_close(
        ready.keys_of(slice(None), torch.float32), encoded.cross[0].keys_of(slice(None), torch.float32)
    )


@pytest.mark.parametrize("name", UNTRAINED)
def test_a_model_that_is_there_reads_otherwise_and_says_much_the_same(name):
    shape = config()
    network = model(shape)
    wanted = network(SOURCE, TARGET)
    read_by(network, shape, name, Reading(tolerance=0.0, page=2, pages=1, crossover=1, num=7, width=7))
    torch.testing.assert_close(network(SOURCE, TARGET), wanted)


def test_a_model_that_is_there_counts_and_keeps_what_it_was_trained_with():
    shape = config(attention=["linear", "dense"])
    network = model(shape)
    tally = read_by(network, shape, "top-k", Reading(num=2))
    assert [type(kind) for kind in back_ends(network)] == [Linear, TopK]
    network(SOURCE, TARGET)
    assert tally.rows == 2 * 2 * 4
    assert tally.left_out > 0


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"attention": "page"}, "Input should be 'dense'"),
        ({"attention": ["pages"]}, "attention wants one name, or one for each of 2 decoder layers, got 1"),
        (
            {"attention": "linear", "kind": "recurrent"},
            "attention linear wants kind transformer, and of several sources any fusion but",
        ),
        (
            {"attention": "pages", "attention_dropout": 0.1},
            "attention pages drops no weights, got attention_dropout 0.1",
        ),
        ({"reading": {"tolerance": 1.0}}, "less than 1"),
        (
            {"reading": {"length_scaling": "log"}, "attention": ["linear", "dense"]},
            r"length_scaling 'log' scales the scores of a softmax, got attention .*linear.* take attention favor",
        ),
        ({"reading": {"length_scaling": "log"}, "kind": "recurrent"}, "of a shape that has none of its own"),
        ({"reading": {"pagez": 1}}, "Extra inputs"),
    ],
)
def test_configurations_that_mean_nothing_are_refused(more, message):
    with pytest.raises(ValidationError, match=message):
        config(**more)


def test_a_model_that_is_there_is_told_how_long_its_sources_were():
    shape = config()
    network = model(shape)
    plain = network(SOURCE, TARGET)
    read_by(network, shape, "dense", Reading(length_scaling="log", trained_length=7))
    torch.testing.assert_close(network(SOURCE, TARGET), plain)
    read_by(network, shape, "dense", Reading(length_scaling="log", trained_length=3))
    assert not torch.allclose(network(SOURCE, TARGET)[0], plain[0])
    torch.testing.assert_close(network(SOURCE, TARGET)[1], plain[1])


@pytest.mark.parametrize("attention", ["dense", "chunked", "pages", "top-k", "window", "favor", "pooled"])
def test_learned_length_scaling_steps_as_it_goes_forward_and_keeps_what_it_learnt(attention):
    told = {"length_scaling": "learned", "trained_length": 3, "page": 2, "pages": 1, "num": 3, "stride": 2, "width": 1}
    shape = config(attention=attention, reading=told)
    network = model(shape)
    forward = network(SOURCE, TARGET)
    cache = network.init_cache(network.encode(SOURCE), beam=1, capacity=4)
    for position in range(4):
        logits, cache = network.step(TARGET[:, position : position + 1], cache)
        torch.testing.assert_close(logits[:, 0], forward[:, position])
    forward.sum().backward()
    slopes = [cross.length_scaling.slope for cross in network.decoder.cross_attentions()]
    assert all(slope.grad.abs().sum() > 0 for slope in slopes)
    read_by(network, shape, "dense", Reading(length_scaling="log"))
    assert [cross.length_scaling.slope for cross in network.decoder.cross_attentions()] == slopes


def test_what_wants_training_is_refused_for_a_model_that_is_there():
    shape = config()
    with pytest.raises(ConfigError, match=r"must be one of dense, chunked, .*, got 'linear'; others want training"):
        read_by(model(shape), shape, "linear", Reading())
    with pytest.raises(ConfigError, match="attention wants one name, or one for each of 2 decoder layers, got 3"):
        read_by(model(shape), shape, ["dense"] * 3, Reading())
    with pytest.raises(ConfigError, match="head must be one of 2, got 2; heads are counted from 0"):
        read_by(model(shape), shape, "window", Reading(head=2))
    with pytest.raises(ConfigError, match="length_scaling 'learned' wants training, got a model that is there; take"):
        read_by(model(shape), shape, "dense", Reading(length_scaling="learned"))
    other = config(kind="recurrent")
    with pytest.raises(UnsupportedError, match="reads one source by cross-attention, got kind recurrent; leave"):
        read_by(build(other), other, "pages", Reading())


def test_a_tolerance_is_for_those_who_honour_it():
    assert told_of("pages", 0.5, None).tolerance == 0.5
    assert told_of(["dense", "auto"], 0.5, Reading(page=3)) == Reading(page=3, tolerance=0.5)
    assert told_of("top-k", None, None) == Reading()
    with pytest.raises(ConfigError, match="a tolerance wants attention 'pages' or 'auto', got top-k; name one"):
        told_of("top-k", 0.5, None)
    with pytest.raises(ConfigError, match=r"a reading wants attention, got none for .*'dense' for every key"):
        told_of(None, None, Reading(page=3))
    with pytest.raises(ConfigError, match=r"a share of the weight, from 0 to below 1, got 1\.0; try"):
        told_of("pages", 1.0, None)
