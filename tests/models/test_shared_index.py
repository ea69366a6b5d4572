"""One copy of the encoder's states, read by every layer and head, is what keys and values of their own would be."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError
from tests.models.test_readers import SOURCE, TARGET, config, model

from weft.attention import Fused, KeyValues, Record
from weft.base.errors import ShapeError, UnsupportedError
from weft.base.padded import Padded
from weft.layers.quantised import QuantisedLinear
from weft.models.config import ModelConfig
from weft.models.encoder_decoder import EncoderDecoder
from weft.models.readers import read_by
from weft.models.reading import Reading

SHAPES = {
    "plain": {},
    "a null": {"alignment_head": {"layer": 1, "head": 1}},
    "heads share keys": {"num_heads": 4, "num_groups": 2},
    "scaled by length": {
        "num_groups": 1,
        "alignment_head": {"layer": 0, "head": 1},
        "reading": {"length_scaling": "learned", "trained_length": 3},
    },
    "no bias, a scale": {"bias": False, "attention_scale": 0.3},
}
shapes = pytest.mark.parametrize("more", SHAPES.values(), ids=SHAPES)


def pair(more: dict, num: int = 3) -> tuple[EncoderDecoder, EncoderDecoder]:
    """The same weights, with top-k over keys of each layer and over shared states; projections have a bias."""
    reading, both = {**more.get("reading", {}), "num": num}, []
    for name in ("top-k", "top-k-shared"):
        network = model(config(**{**more, "attention": name, "reading": reading}))
        random = torch.Generator().manual_seed(9)
        for parameter in network.parameters():
            if parameter.dim() < 2:
                parameter.data.add_(0.3 * torch.randn(parameter.shape, generator=random, dtype=torch.float64))
        both.append(network)
    return both[0], both[1]


def close(ours: torch.Tensor, wanted: torch.Tensor) -> None:
    torch.testing.assert_close(ours, wanted, atol=1e-10, rtol=1e-10)


@shapes
@pytest.mark.parametrize("num", [1, 3, 64])
def test_a_shared_index_is_top_k_of_each_layer_gradients_included(more, num):
    apart, shared = pair(more, num)
    close(shared(SOURCE, TARGET), apart(SOURCE, TARGET))
    for network in (apart, shared):
        network(SOURCE, TARGET).square().sum().backward()
    for ours, wanted in zip(shared.parameters(), apart.parameters(), strict=True):
        assert (ours.grad is None) == (wanted.grad is None)
        if ours.grad is not None:
            torch.testing.assert_close(ours.grad, wanted.grad, atol=1e-8, rtol=1e-8)


@shapes
def test_records_say_what_those_of_each_layer_say(more):
    notes = []
    for network in pair(more):
        record = Record()
        plain, recorded = network(SOURCE, TARGET), network(SOURCE, TARGET, record)
        assert torch.equal(plain, recorded)
        notes.append([note for note in record.entries if "target_to_source" in note.site])
    for wanted, ours in zip(*notes, strict=True):
        assert ours.site == wanted.site
        close(ours.weights(), wanted.weights())
        close(ours.null_mass(), wanted.null_mass())
        close(ours.entropy(), wanted.entropy())
        close(ours.coverage(), wanted.coverage())
        with pytest.raises(UnsupportedError, match="value_norms wants the output projection of decoder"):
            ours.value_norms()


@shapes
def test_steps_of_a_beam_are_forward_passes_of_its_hypotheses(more):
    _, network = pair(more)
    cache = network.init_cache(network.encode(SOURCE), beam=2, capacity=4)
    both = torch.stack((TARGET, TARGET.flip(1)), 1)
    forward = [network(SOURCE, both[:, beam]) for beam in range(2)]
    for position in range(4):
        logits, cache = network.step(both[:, :, position], cache)
        for beam in range(2):
            close(logits[:, beam], forward[beam][:, position])


def states(network: EncoderDecoder, encoded: Padded, target: torch.Tensor = TARGET) -> torch.Tensor:
    return network.decoder(target, network.decoder.prepare(encoded))


def test_padding_says_nothing_even_if_it_is_nan_and_rows_stand_alone():
    _, network = pair({})
    values = torch.randn(2, 7, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    keep = torch.arange(7) < torch.tensor([[7], [3]])
    wanted = states(network, Padded(values, keep))
    assert wanted.isfinite().all()
    more = torch.cat((values, torch.full((2, 4, 16), torch.nan, dtype=torch.float64)), 1)
    more = torch.where(torch.arange(11)[None, :, None] < torch.tensor([7, 3])[:, None, None], more, torch.nan)
    close(states(network, Padded(more, torch.nn.functional.pad(keep, (0, 4)))), wanted)
    close(states(network, Padded(values.flip(0), keep.flip(0)), TARGET.flip(0)), wanted.flip(0))
    close(states(network, Padded(values[1:, :3], keep[1:, :3]), TARGET[1:]), wanted[1:])


def test_a_source_without_anything_to_read_adds_nothing():
    apart, shared = pair({})
    values = torch.randn(2, 7, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    encoded = Padded(values, torch.arange(7) < torch.tensor([[7], [0]]))
    close(states(shared, encoded), states(apart, encoded))


def test_the_kept_mass_is_counted_as_it_is_for_each_layer():
    counted = []
    for name in ("top-k", "top-k-shared"):
        network = model(config())
        tally = read_by(network, config(), name, Reading(num=2))
        network(SOURCE, TARGET)
        counted.append(tally.to_json())
    assert counted[1] == {**counted[0], "left_out": pytest.approx(counted[0]["left_out"])}


def bytes_of(memories: list[KeyValues]) -> int:
    """What keys and values take, storage that is shared counted once."""
    storages = {
        x.untyped_storage().data_ptr(): x.untyped_storage().nbytes() for one in memories for x in (one.k, one.v)
    }
    return sum(storages.values())


def test_one_copy_serves_all_layers_whatever_becomes_of_a_memory():
    apart, shared = pair({})
    encoded = shared.encode(SOURCE)
    assert 4 * bytes_of([*encoded.cross]) == bytes_of([*apart.encode(SOURCE).cross])  # two layers, keys and values
    rows = torch.tensor([1, 0])
    kind = type(encoded)
    ways = {
        "select": encoded.select(rows),
        "joined": kind.joined(encoded.parts()),
        "to": encoded.to(torch.device("cpu"), torch.float32),
        "among": encoded.among(rows, 3),
        "cut": encoded.cut(slice(1, 4)),
        "in a row": kind.in_a_row([encoded, encoded]),
        "indexed": shared.decoder.indexed(encoded),
    }
    for name, one in ways.items():
        assert all(memory is one.cross[0] and memory.k is memory.v for memory in one.cross), name
    close(shared.decoder(TARGET[rows], ways["select"]), shared.decoder(TARGET, encoded)[rows])
    close(shared.decoder(TARGET, ways["joined"]), shared.decoder(TARGET, encoded))


def test_some_layers_may_share_and_others_not():
    shape: ModelConfig = config(attention=["top-k-shared", "dense"], reading={"num": 64})
    network = model(shape)
    close(network(SOURCE, TARGET), model(config())(SOURCE, TARGET))
    one, other = network.encode(SOURCE).cross
    assert one.k is one.v
    assert other.k.shape[1] == 2
    readers = [*network.decoder.cross_attentions()]
    assert [reader.shares for reader in readers] == [True, False]
    read_by(network, shape, "dense", Reading())
    assert not any(reader.shares for reader in readers)
    assert all(isinstance(reader.backend, Fused) for reader in readers)


def test_what_does_not_fit_is_refused_by_name():
    apart, shared = pair({})
    message = r"decoder.0.target_to_source reads a shared index and wants encoder states \[b 1 s d\] with d = 16, got"
    with pytest.raises(ShapeError, match=message):
        shared.decoder(TARGET, apart.encode(SOURCE))
    with pytest.raises(ShapeError, match="queries must be"):
        apart.decoder(TARGET, shared.encode(SOURCE))
    sources = {"sources": {"first": {}, "second": {}}, "fusion": "parallel"}
    with pytest.raises(ValidationError, match="attention top-k-shared shares the states of one source among layers"):
        config(attention="top-k-shared", **sources)


def test_projections_in_bytes_are_refused():
    network, shape = model(config()).float(), config()
    for reader in network.decoder.cross_attentions():
        reader.kv = QuantisedLinear(reader.kv)
    with pytest.raises(UnsupportedError, match="wants them in plain numbers, got int8; leave dtype out"):
        read_by(network, shape, "top-k-shared", Reading())
