"""Encoders that do not look everywhere: trained by configuration, or with a window put on a model that is there."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
from pydantic import ValidationError

from weft.attention import Fused
from weft.attention.by_pattern import ByPattern
from weft.attention.patterns import Around, Blocks
from weft.base.errors import ConfigError, ShapeError, UnsupportedError
from weft.base.padded import Padded, pad
from weft.interop.forms import skeleton
from weft.models.build import build
from weft.models.config import ModelConfig
from weft.models.encoder_readers import look_around
from weft.models.reading import Attention

SHAPE = {
    "vocabulary_size": 23,
    "width": 16,
    "num_heads": 2,
    "feedforward_width": 8,
    "encoder_layers": 2,
    "decoder_layers": 1,
    "dropout": 0.0,
}
SOURCE = pad([[5, 6, 7, 8, 9, 10, 11, 4, 3, 22, 21], [12, 13, 14]])
TARGET = torch.tensor([[1, 5, 6, 7], [1, 8, 9, 2]])


def config(**more: object) -> ModelConfig:
    return ModelConfig.model_validate({**SHAPE, **more})


def model(shape: ModelConfig) -> torch.nn.Module:
    torch.default_generator.manual_seed(3)
    return build(shape).eval().double()


def back_ends(network: torch.nn.Module) -> list[object]:
    return [layer.attention.sublayer.backend for layer in network.encoder.layers]


def states(network: torch.nn.Module, source: Padded = SOURCE) -> torch.Tensor:
    return network.encoder(source).values[source.keep]


def test_names_are_back_ends_and_layers_may_differ():
    told = {"window": 3, "global_tokens": 2, "block": 5, "near": 2, "global_blocks": 0, "drawn": 4}
    found = back_ends(model(config(encoder_attention=["local", "blocks"], encoder_reading=told)))
    assert [one.pattern for one in found] == [Around(3, 2), Blocks(5, 2, 0, 4)]
    assert isinstance(back_ends(model(config()))[0], Fused)


@pytest.mark.parametrize("position", ["sinusoidal", "learned", "rotary"])
@pytest.mark.parametrize("name", ["local", "blocks"])
def test_a_pattern_that_reaches_everything_is_the_dense_encoder(name, position):
    told = {"window": 11, "block": 11}
    dense, sparse = (
        model(config(position=position)),
        model(config(position=position, encoder_attention=name, encoder_reading=told)),
    )
    sparse.load_state_dict(dense.state_dict())
    torch.testing.assert_close(states(sparse), states(dense))
    torch.testing.assert_close(sparse(SOURCE, TARGET), dense(SOURCE, TARGET))


@pytest.mark.parametrize("name", ["local", "blocks"])
def test_padding_and_batches_change_nothing_even_nan(name):
    network = model(config(encoder_attention=name, encoder_reading={"window": 2, "block": 2}))
    alone = [network.encoder(pad([row])).values[0] for row in ([5, 6, 7, 8, 9, 10, 11, 4, 3, 22, 21], [12, 13, 14])]
    together = network.encoder(SOURCE).values
    torch.testing.assert_close(together[0], alone[0])
    torch.testing.assert_close(together[1, :3], alone[1])
    swapped = network.encoder(Padded(SOURCE.values.flip(0), SOURCE.keep.flip(0))).values.flip(0)
    torch.testing.assert_close(swapped[SOURCE.keep], together[SOURCE.keep])
    network.encoder.embed.table.weight.data[0] = torch.nan  # the padding's own vector
    torch.testing.assert_close(states(network), together[SOURCE.keep])


def test_what_lies_beyond_all_windows_is_not_seen():
    network = model(config(encoder_attention="local", encoder_reading={"window": 2}))
    far, near = SOURCE.values[:1].clone(), SOURCE.values[:1].clone()
    far[0, 9], near[0, 4] = 20, 20
    was = network.encoder(pad([SOURCE.values[0].tolist()])).values[0]
    assert torch.equal(network.encoder(pad(far.tolist())).values[0, :5], was[:5])  # two layers of two positions
    assert not torch.equal(network.encoder(pad(near.tolist())).values[0, 2], was[2])


@pytest.mark.parametrize("name", ["local", "blocks"])
def test_it_learns(name):
    """A few sources are told apart and copied, from scratch, through a window much smaller than they are."""
    torch.default_generator.manual_seed(5)
    network = build(config(encoder_attention=name, encoder_reading={"window": 3, "block": 4, "global_tokens": 1}))
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    ids = torch.randint(4, 23, (5, 13))
    target = torch.cat((torch.ones(5, 1, dtype=torch.long), ids[:, :-1]), 1)
    for _ in range(60):
        logits = network(Padded(ids, torch.ones_like(ids, dtype=torch.bool)), target)
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.5  # of 3 at the start


def test_a_window_at_load_is_that_of_the_configuration():
    dense = model(config())
    look_around(dense, config(), 2)
    trained = model(config(encoder_attention="local", encoder_reading={"window": 2}))
    trained.load_state_dict(dense.state_dict())
    assert torch.equal(states(dense), states(trained))
    assert all(isinstance(one, ByPattern) for one in back_ends(dense))


def test_windows_that_make_no_sense_are_refused():
    with pytest.raises(ConfigError, match="an encoder's window wants at least 0 positions on each side, got -1; 128"):
        look_around(model(config()), config(), -1)
    shape = config(kind="decoder_only")
    with pytest.raises(UnsupportedError, match="wants a Transformer that reads one source, got kind decoder_only"):
        look_around(model(shape), shape, 3)
    shape = config(encoder_attention="blocks")
    with pytest.raises(UnsupportedError, match="encoder was trained with blocks attention and keeps to it, got a win"):
        look_around(model(shape), shape, 3)
    shape = config(position="relative")
    with pytest.raises(UnsupportedError, match="relative positions are added to; leave the window out, and translate"):
        look_around(model(shape), shape, 3)
    shape = config(sources={"en": {}, "de": {}}, fusion="parallel")
    with pytest.raises(UnsupportedError, match="that reads one source, got kind transformer of several sources"):
        look_around(model(shape), shape, 3)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"kind": "recurrent"}, "encoder_attention local wants kind transformer, got kind recurrent; leave it out"),
        ({"position": "relative"}, "encoder_attention local forms no scores of all pairs, which relative positions"),
        ({"encoder_attention": ["local"]}, "encoder_attention wants one name, or one for each of 2 layers, got 1"),
        (
            {"encoder_attention": ["local", "dense"], "sources": {"en": {}, "de": {}}, "fusion": "parallel"},
            "encoder_attention wants one name for several encoders, got 2",
        ),
    ],
)
def test_shapes_without_a_place_for_a_pattern_are_refused(more, message):
    with pytest.raises(ValidationError, match=message):
        config(**{"encoder_attention": "local", **more})


def test_several_encoders_look_alike():
    shape = config(sources={"en": {}, "de": {"layers": 1}}, fusion="parallel", encoder_attention="local")
    network = model(shape)
    found = [
        layer.attention.sublayer.backend
        for name in ("en", "de")
        for layer in network.encoders.readers[name].encoder.layers
    ]
    assert [one.pattern for one in found] == [Around(128)] * 3


def test_positions_beyond_the_table_are_named_with_what_helps():
    network = model(config(position="learned", max_length=7, encoder_attention="local"))
    with pytest.raises(ShapeError, match="learned positions end at 7, got position 10; split the text"):
        network.encoder(SOURCE)


def test_a_sparse_encoder_does_not_leave_for_programs_that_have_none():
    assert skeleton(config())["encoder_attention"] == ("dense",)
    wanted = skeleton(config(attention=["linear", "dense"], decoder_layers=2))["attention"]
    assert "linear" not in wanted
    assert skeleton(config(attention="pages"))["attention"] == ("pages",)


@pytest.mark.parametrize("name", ["dense", "local", "blocks"])
@pytest.mark.parametrize("attention", get_args(Attention))
def test_sources_of_nothing_are_read_and_written_from(name, attention):
    """Alone, together, and beside others; pages and slots of one token."""
    told = {"page": 1, "pages": 1, "stride": 1, "refine": 1, "width": 0, "num": 1, "crossover": 1}
    network = model(config(encoder_attention=name, attention=attention, reading=told, decoder_layers=2))
    for rows in ([[]], [[], []], [[5, 6, 7], []]):
        ids = [torch.tensor(row, dtype=torch.long) for row in rows]
        longest = max(map(len, ids))
        values = torch.stack([torch.nn.functional.pad(row, (0, longest - len(row))) for row in ids])
        source = Padded(values, torch.arange(longest) < torch.tensor([len(row) for row in ids])[:, None])
        cache = network.init_cache(network.encode(source), beam=2, capacity=3)
        logits, _ = network.step(torch.ones(len(rows), 2, dtype=torch.long), cache)
        assert logits.isfinite().all()
        nothing = network.init_cache(network.encode(pad([[], []], device=torch.device("cpu"))), beam=2, capacity=3)
        torch.testing.assert_close(logits[-1:], network.step(torch.ones(2, 2, dtype=torch.long), nothing)[0][-1:])
