"""The encoder-decoder: one encoding a source, one projection a layer, nothing copied for a beam, records in order."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from weft.attention import Record
from weft.base.errors import ShapeError
from weft.base.padded import Padded, Shared, pad
from weft.models.build import build
from weft.models.config import ModelConfig
from weft.models.decoder import Encoded
from weft.models.encoder_decoder import EncoderDecoder

SOURCES = [[5, 6, 7, 2], [8, 2], [9, 4, 5, 6, 11, 7, 2]]


def make(**changes: Any) -> EncoderDecoder:
    torch.default_generator.manual_seed(3)
    shape = {"vocabulary_size": 23, "width": 12, "num_heads": 2, "feedforward_width": 17, "decoder_layers": 3}
    model = build(ModelConfig.model_validate({**shape, "encoder_layers": 2, **changes}))
    assert isinstance(model, EncoderDecoder)
    return model.double().eval()


def counted(module: nn.Module) -> list[int]:
    """A list that grows by one at every call of a module."""
    calls: list[int] = []
    module.register_forward_hook(lambda *_: calls.append(1))
    return calls


@torch.no_grad()
def test_a_source_is_encoded_once_and_its_keys_and_values_are_projected_once_a_layer():
    model = make()
    encodings = counted(model.encoder)
    projections = [counted(layer.cross_attention.sublayer.kv) for layer in model.decoder.layers]
    cache = model.init_cache(model.encode(pad(SOURCES)), beam=5, capacity=7)
    for _ in range(7):
        _, cache = model.step(torch.full((3, 5), 4), cache)
        cache = cache.reorder(torch.zeros(3, 5, dtype=torch.long))
    assert len(encodings) == 1
    assert [len(calls) for calls in projections] == [1, 1, 1]


@pytest.mark.parametrize("position", ["sinusoidal", "relative"])
def test_a_large_batch_is_read_some_rows_at_a_time_and_is_read_the_same(position, monkeypatch):
    model = make(position=position)
    states = model.encoder(pad(SOURCES))
    monkeypatch.setattr("weft.models.encoder._TOKENS_AT_ONCE", 15)
    layers = counted(model.encoder.layers[0])
    with torch.no_grad():
        found = model.encoder(pad(SOURCES))
        torch.testing.assert_close(found.values[found.keep], states.values[states.keep])
    assert len(layers) == 2  # two rows of seven tokens, then one
    model.encoder(pad(SOURCES))
    with torch.no_grad():
        model.encoder(pad(SOURCES), Record())
    assert len(layers) == 4


@torch.no_grad()
def test_beams_are_queries_so_no_memory_is_copied_or_reordered():
    model = make()
    memory = model.encode(pad(SOURCES))
    places = [(layer.k.data_ptr(), layer.v.data_ptr()) for layer in memory.cross]
    record, cache = Record(), model.init_cache(memory, beam=5, capacity=3)
    histories = [history.k.data_ptr() for history in cache.histories]
    for _ in range(3):
        _, cache = model.step(torch.full((3, 5), 4), cache, record)
        cache = cache.reorder(torch.randint(0, 5, (3, 5)))
    assert [(layer.k.data_ptr(), layer.v.data_ptr()) for layer in cache.encoded.cross] == places
    assert [history.k.data_ptr() for history in cache.histories] == histories
    for number in range(3):
        crossed = record.at(f"decoder.{number}.target_to_source")
        assert {entry.memory.k.data_ptr() for entry in crossed} == {places[number][0]}
        assert {tuple(entry.query.shape) for entry in crossed} == {(3, 2, 5, 6)}, "hypotheses stand where time does"
        assert {tuple(entry.memory.k.shape) for entry in crossed} == {(3, 2, 7, 6)}


@pytest.mark.parametrize("backend", ["fused", "reference"])
def test_recording_changes_no_bit(backend):
    model, source, target = make(backend=backend), pad(SOURCES), torch.randint(3, 23, (3, 5))
    for some in (Record(), Record(sites=["decoder.1.target_to_source"])):
        assert torch.equal(model(source, target, some), model(source, target))
        cache, recorded = (model.init_cache(model.encode(source), beam=2, capacity=2) for _ in range(2))
        for step in range(2):
            read = target[:, step : step + 1].expand(3, 2)
            seen, recorded = model.step(read, recorded, some)
            plain, cache = model.step(read, cache)
            assert torch.equal(seen, plain)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read where Linux tells it")
@torch.no_grad()
def test_room_that_no_step_has_written_takes_no_memory():
    """A checkpoint may allow far longer texts than anybody's: its search must not pay for them."""

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text("utf-8").split()[1]) * resource.getpagesize()

    model, before = make(), resident()
    cache = model.init_cache(model.encode(pad(SOURCES)), beam=2, capacity=300_000)
    size = sum(history.k.nbytes + history.v.nbytes for history in cache.histories)
    _, cache = model.step(torch.tensor([[1, 2]] * 3), cache)
    cache = cache.select(torch.tensor([0, 2]))
    model.step(torch.tensor([[3, 4]] * 2), cache)
    assert size > 500e6
    assert resident() - before < size / 20


def test_records_tell_the_order_of_the_layers_and_filter_by_site():
    model, everything, one = make(), Record(), Record(sites=["decoder.1.target_to_source", "encoder.0.self"])
    model(pad(SOURCES), torch.full((3, 5), 4), everything)
    assert [entry.site for entry in everything.entries] == [
        "encoder.0.self",
        "encoder.1.self",
        "decoder.0.self",
        "decoder.0.target_to_source",
        "decoder.1.self",
        "decoder.1.target_to_source",
        "decoder.2.self",
        "decoder.2.target_to_source",
    ]
    model(pad(SOURCES), torch.full((3, 5), 4), one)
    assert [entry.site for entry in one.entries] == ["encoder.0.self", "decoder.1.target_to_source"]


@torch.no_grad()
def test_steps_record_the_weights_that_forward_records():
    model, target = make(num_groups=1), torch.randint(3, 23, (3, 5))
    whole, stepped = Record(), Record()
    model(pad(SOURCES), target, whole)
    cache = model.init_cache(model.encode(pad(SOURCES)), beam=1, capacity=5)
    for step in range(5):
        _, cache = model.step(target[:, step : step + 1], cache, stepped)
    for kind in ("self", "target_to_source"):
        site = f"decoder.2.{kind}"
        (wanted,) = (entry.weights() for entry in whole.at(site))
        for step, entry in enumerate(stepped.at(site)):
            weights = entry.weights()
            torch.testing.assert_close(weights[:, :, 0], wanted[:, :, step, : weights.shape[-1]], atol=1e-12, rtol=0)
            torch.testing.assert_close(weights.sum(-1), torch.ones_like(weights[..., 0]))


@torch.no_grad()
def test_a_source_of_padding_alone_gives_numbers():
    model = make()
    source = Padded(torch.tensor([[5, 6], [7, 8]]), torch.tensor([[True, True], [False, False]]))
    record = Record(sites=["decoder.2.target_to_source"])
    logits = model(source, torch.full((2, 3), 4), record)
    assert logits.isfinite().all()
    assert (record.entries[0].weights()[1] == 0).all()


@pytest.mark.parametrize("position", ["sinusoidal", "learned", "rotary"])
def test_an_empty_target_has_no_logits(position):
    assert make(position=position)(pad(SOURCES), torch.zeros(3, 0, dtype=torch.long)).shape == (3, 0, 23)


@torch.no_grad()
def test_positions_matter():
    for position in ("sinusoidal", "learned", "rotary"):
        model = make(position=position)
        one, other = (model(pad([source]), torch.tensor([[4, 5]])) for source in ([5, 6, 7], [7, 6, 5]))
        assert not torch.allclose(one, other), position


@torch.no_grad()
def test_a_memory_is_cut_into_parts_and_joined_again():
    model = make()
    memory, read = model.encode(pad(SOURCES)), torch.full((3, 2), 4)
    parts = memory.parts()
    assert [tuple(part.keep.shape) for part in parts] == [(1, 4), (1, 2), (1, 7)]
    wanted, _ = model.step(read, model.init_cache(memory, beam=2, capacity=1))
    joined, _ = model.step(read, model.init_cache(Encoded.joined(parts), beam=2, capacity=1))
    torch.testing.assert_close(joined, wanted, atol=1e-10, rtol=0)
    order = torch.tensor([2, 0])
    some, _ = model.step(read[order], model.init_cache(Encoded.joined([parts[2], parts[0]]), beam=2, capacity=1))
    torch.testing.assert_close(some, wanted[order], atol=1e-10, rtol=0)


@torch.no_grad()
def test_parts_keep_padding_that_stands_before_or_between():
    model = make()
    gaps = Padded(torch.tensor([[9, 5, 6, 9, 7, 2, 9]]), torch.tensor([[0, 1, 1, 0, 1, 1, 0]]).bool())
    memory, read = model.encode(gaps), torch.full((1, 2), 4)
    (part,) = memory.parts()
    assert part.keep.tolist() == [[False, True, True, False, True, True]]
    wanted, _ = model.step(read, model.init_cache(memory, beam=2, capacity=1))
    alone, _ = model.step(read, model.init_cache(part, beam=2, capacity=1))
    torch.testing.assert_close(alone, wanted, atol=1e-10, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize("kind", ["transformer", "decoder_only"])
def test_what_does_not_fit_the_cache_is_refused(kind):
    model: Any = build(ModelConfig(kind=kind, vocabulary_size=23, width=12, num_heads=2))
    cache = model.init_cache(model.encode(pad(SOURCES)), beam=3, capacity=1)
    for shape in ((3, 1), (3, 5), (2, 3)):
        with pytest.raises(
            ShapeError, match=r"tokens must be \[b n\] = \[3, 3\], got .*; give one for every hypothesis"
        ):
            model.step(torch.zeros(shape, dtype=torch.long), cache)
    with pytest.raises(ShapeError, match=r"parents must be \[b n\] = \[3, 3\], got \[3, 2\]"):
        cache.reorder(torch.zeros(3, 2, dtype=torch.long))
    _, cache = model.step(torch.full((3, 3), 4), cache)
    with pytest.raises(ShapeError, match="the cache holds 1 steps and all are used; ask for a larger capacity"):
        model.step(torch.full((3, 3), 4), cache)


def test_dropout_is_on_embeddings_branches_feed_forward_and_attention_in_training_alone():
    source, target = pad(SOURCES), torch.full((3, 5), 4)
    for key in ("dropout", "feedforward_dropout", "attention_dropout"):
        model = make(**{"dropout": 0.0, key: 0.5})
        assert torch.equal(model(source, target), model(source, target)), key
        model.train()
        assert not torch.equal(model(source, target), model(source, target)), key
    still = make(dropout=0.0).train()
    assert torch.equal(still(source, target), still(source, target))


@torch.no_grad()
def test_rows_that_share_a_source_read_it_as_if_each_had_its_own():
    model, rows = make(), torch.tensor([1, 0, 1, 2, 0])
    source, target = pad(SOURCES), torch.randint(5, 20, (5, 7))
    encodings = counted(model.encoder)
    shared = model(Shared(source, rows), target)
    assert len(encodings) == 1
    torch.testing.assert_close(shared, model(source.select(rows), target), rtol=1e-12, atol=1e-12)


@torch.no_grad()
def test_the_gist_of_a_source_is_the_mean_of_its_real_states():
    model, rows, target = make(), torch.tensor([1, 0, 1, 2]), torch.randint(4, 20, (4, 5))
    source = pad(SOURCES)
    poisoned = source.with_values(source.values.masked_fill(~source.keep, 9))
    states, gist = model.states_and_gist(Shared(poisoned, rows), target)
    torch.testing.assert_close(states, model.states(Shared(source, rows), target), rtol=1e-12, atol=1e-12)
    assert torch.equal(gist, model.gist(poisoned))
    for one, text in enumerate(SOURCES):
        read = model.encoder(pad([text])).values[0]
        torch.testing.assert_close(gist[one], read.mean(0), rtol=1e-12, atol=1e-12)
    nothing = Padded(source.values, torch.zeros_like(source.keep))
    assert not model.states_and_gist(nothing, target[:3])[1].any()
