"""What every way of reading several sources owes the search and the reader."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from weft.attention.record import Record
from weft.base.padded import Padded, Shared, pad
from weft.base.sources import Sources
from weft.models.build import build
from weft.models.config import ModelConfig
from weft.models.crossing import FUSIONS
from weft.models.decoder import Encoded
from weft.models.several import EncodedSources, SeveralSources

VOCABULARY = 23
EN = [[5, 6, 7, 2], [8, 2], [9, 4, 5, 6, 11, 7, 2]]
DE = [[4, 2], [12, 9, 13, 5, 2], [6, 2]]
PICTURE = {"modality": "picture", "height": 4, "width": 6, "patch_height": 2, "patch_width": 2}
SOURCES = {
    "en": {"required": True},
    "de": {"layers": 1, "encoder": {"width": 8, "num_heads": 4}},
    "fr": {"same_as": "en"},
    "picture": {"reads": PICTURE},
}
BOTH_NORMS = ("pre", "post")


def make(fusion: str, sources: dict[str, Any] | None = None, **changes: Any) -> SeveralSources:
    torch.default_generator.manual_seed(3)
    shape = {"width": 12, "num_heads": 2, "feedforward_width": 17, "encoder_layers": 2, "decoder_layers": 2}
    keys = {"vocabulary_size": VOCABULARY, **shape, "tie": "target", "sources": sources or SOURCES, "fusion": fusion}
    model = build(ModelConfig.model_validate({**keys, **changes}))
    assert isinstance(model, SeveralSources)
    return opened(model).double().eval()


def opened(model: SeveralSources) -> SeveralSources:
    """The model with numbers where training starts at zero: biases, gates, class tokens."""
    for name, weight in model.named_parameters():
        if not weight.detach().any():
            torch.nn.init.normal_(weight, std=0.3 if "gates" in name else 0.5)
    return model


def pictures(keep: list[bool]) -> Padded:
    """Patches of 2 x 2 pixels, 6 a picture; rows that are not kept have none."""
    values = torch.randn(len(keep), 6, 3, 2, 2, generator=torch.Generator().manual_seed(7)).double()
    return Padded(values, torch.tensor(keep)[:, None].expand(-1, 6))


def batch() -> Sources:
    """Row 0 has no picture, row 1 no French, row 2 no German."""
    fr = [[7, 2], [], [11, 12, 2]]
    de = [DE[0], DE[1], []]
    return Sources({"en": pad(EN), "de": pad(de), "fr": pad(fr), "picture": pictures([False, True, True])})


def of_row(row: int) -> Sources:
    """What a row of the batch has, and nothing else."""
    parts = {name: part.select(torch.tensor([row])) for name, part in batch().parts.items()}
    return Sources({name: cut(part) for name, part in parts.items() if bool(part.keep.any())})


def cut(part: Any) -> Padded:
    length = int(part.keep.sum())
    return Padded(part.values[:, :length], part.keep[:, :length])


def tokens(*shape: int) -> torch.Tensor:
    return torch.randint(3, VOCABULARY, shape, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.fixture(params=FUSIONS)
def fusion(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def close(found: torch.Tensor, wanted: torch.Tensor) -> None:
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-10)


@pytest.mark.parametrize("norm", BOTH_NORMS)
@torch.no_grad()
def test_a_source_that_is_masked_out_is_as_if_it_were_not_there(fusion: str, norm: str) -> None:
    model, target = make(fusion, norm_position=norm), tokens(3, 5)
    logits = model(batch(), target)
    for row in range(3):
        close(model(of_row(row), target[row : row + 1])[0], logits[row])


@torch.no_grad()
def test_what_a_missing_source_holds_is_read_by_nobody(fusion: str) -> None:
    model, target, given = make(fusion), tokens(3, 5), batch()
    patches = given.parts["picture"].values.clone()  # type: ignore[attr-defined]
    patches[0] = torch.nan
    spoilt = Sources({**given.parts, "picture": Padded(patches, given.parts["picture"].keep)})
    assert torch.equal(model(spoilt, target), model(given, target))


@torch.no_grad()
def test_a_row_without_any_source_gives_numbers(fusion: str) -> None:
    model, target = make(fusion), tokens(2, 5)
    nothing = Sources({"en": Padded(torch.tensor([[5, 2], [5, 2]]), torch.tensor([[True, True], [False, False]]))})
    assert model(nothing, target).isfinite().all()
    none_at_all = Sources({"en": Padded(torch.tensor([[5, 2], [5, 2]]), torch.zeros(2, 2).bool())})
    close(model(none_at_all, target)[1], model(nothing, target)[1])


@torch.no_grad()
def test_every_source_that_is_there_matters(fusion: str) -> None:
    model, target, given = make(fusion), tokens(3, 5), batch()
    logits = model(given, target)
    for name in ("de", "fr", "picture"):
        without = Sources({other: part for other, part in given.parts.items() if other != name})
        has = given.parts[name].keep.any(1)
        changed = (model(without, target) - logits).abs().amax((1, 2)) > 1e-6
        assert torch.equal(changed, has), name


@torch.no_grad()
def test_steps_equal_forward_through_beams_reorders_and_selects(fusion: str) -> None:
    model, beam, steps, generator = make(fusion), 3, 6, torch.Generator().manual_seed(5)
    rows, cache = [0, 1, 2], model.init_cache(model.encode(batch()), beam=beam, capacity=steps)
    written: list[list[list[int]]] = [[[] for _ in range(beam)] for _ in rows]
    for step in range(steps):
        read = torch.randint(3, VOCABULARY, (len(rows), beam), generator=generator)
        logits, cache = model.step(read, cache)
        written = [
            [[*past, int(token)] for past, token in zip(beams, new, strict=True)]
            for beams, new in zip(written, read, strict=True)
        ]
        for place, row in enumerate(rows):
            alone = of_row(row).select(torch.zeros(beam, dtype=torch.long))
            close(logits[place], model(alone, torch.tensor(written[place]))[:, -1])
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
def test_padding_and_batch_order_change_nothing(fusion: str) -> None:
    model, target, given = make(fusion), tokens(3, 5), batch()
    logits = model(given, target)
    wide = {name: given.parts[name] for name in ("en", "de", "fr")}
    wider = Sources(
        {
            name: Padded(
                torch.cat((part.values, torch.full((3, 5), 9)), 1),  # type: ignore[attr-defined]
                torch.cat((part.keep, torch.zeros(3, 5).bool()), 1),
            )
            for name, part in wide.items()
        }
        | {"picture": given.parts["picture"]}
    )
    close(model(wider, target), logits)
    order = torch.tensor([2, 0, 1])
    close(model(given.select(order), target[order]), logits[order])
    turned = Sources(dict(reversed(list(given.parts.items()))))
    assert torch.equal(model(turned, target), logits), "the order is that of the model, not of the batch"


@torch.no_grad()
def test_a_memory_comes_apart_and_together_again(fusion: str) -> None:
    model, read = make(fusion), tokens(3, 2)
    memory = model.encode(batch())
    wanted, _ = model.step(read, model.init_cache(memory, beam=2, capacity=1))
    parts = memory.parts()
    assert [list(part.sources) for part in parts] == [
        ["en", "de", "fr"],
        ["en", "de", "picture"],
        ["en", "fr", "picture"],
    ]
    again, _ = model.step(read, model.init_cache(together(parts), beam=2, capacity=1))
    close(again, wanted)
    order = torch.tensor([2, 0])
    some, _ = model.step(read[order], model.init_cache(memory.select(order), beam=2, capacity=1))
    close(some, wanted[order])


@torch.no_grad()
def test_each_source_is_encoded_as_if_the_others_were_not(fusion: str) -> None:
    model, read, whole = make(fusion), tokens(3, 2), batch()
    alone = EncodedSources({name: model.encode_source(name, part) for name, part in whole.parts.items()})
    wanted, _ = model.step(read, model.init_cache(model.encode(whole), beam=2, capacity=1))
    found, _ = model.step(read, model.init_cache(alone, beam=2, capacity=1))
    assert torch.equal(found, wanted)


def together(parts: list[EncodedSources]) -> EncodedSources:
    """One memory of rows that were apart, some of which lack a source."""
    found = {}
    for name in SOURCES:
        places = [place for place, part in enumerate(parts) if name in part.sources]
        joined = Encoded.joined([parts[place].sources[name] for place in places])
        found[name] = joined.among(torch.tensor(places), len(parts))
    return EncodedSources(found)


@torch.no_grad()
def test_recording_changes_no_bit_and_weights_of_each_source_are_read(fusion: str) -> None:
    model, target, record = make(fusion), tokens(3, 5), Record()
    assert torch.equal(model(batch(), target, record), model(batch(), target))
    lengths = {"en": 7, "de": 5, "fr": 3, "picture": 7}
    for name, length in lengths.items():
        [seen] = record.at(f"decoder.1.target_to_{name}")
        weights, mass = seen.weights(), seen.mass()
        assert weights.shape == (3, 2, 5, length)
        close(weights.sum(-1).float(), mass.float())
        assert bool(((mass > 0).all(2).all(1) == batch().parts[name].keep.any(1)).all())


def test_every_weight_learns(fusion: str) -> None:
    model = make(fusion)
    model(batch(), tokens(3, 5)).square().sum().backward()
    assert [name for name, weight in model.named_parameters() if weight.grad is None] == []
    assert all(weight.grad.isfinite().all() for weight in model.parameters() if weight.grad is not None)


def test_gradients_are_those_of_differences(fusion: str) -> None:
    model, target = make(fusion), tokens(3, 2)
    names = ("decoder.layers.1.cross_attention", "encoders.readers.picture")
    weights = [weight for name, weight in model.named_parameters() if name.startswith(names)]
    model(batch(), target).tanh().sum().backward()
    for weight in weights[:: max(1, len(weights) // 7)]:
        place = int(weight.grad.abs().argmax())  # type: ignore[union-attr]
        flat, wanted, step = weight.detach().view(-1), float(weight.grad.flatten()[place]), 1e-5  # type: ignore[union-attr]
        values = []
        with torch.no_grad():
            for sign in (1, -1):
                flat[place] += sign * step
                values.append(float(model(batch(), target).tanh().sum()))
                flat[place] -= sign * step
        assert (values[0] - values[1]) / (2 * step) == pytest.approx(wanted, rel=1e-5, abs=1e-8)


@torch.no_grad()
def test_states_times_the_table_are_the_logits(fusion: str) -> None:
    model, target = make(fusion), tokens(3, 5)
    close(model.states(batch(), target) @ model.projection().T, model(batch(), target))


@torch.no_grad()
def test_rows_that_share_a_picture_read_it_as_if_each_had_its_own(fusion: str) -> None:
    model, target, rows = make(fusion), tokens(3, 5), torch.tensor([1, 0, 1])
    two, given = pictures([True, True]), batch().parts
    shared = Sources({"en": given["en"], "picture": Shared(two, rows)})
    apart = Sources({"en": given["en"], "picture": two.select(rows)})
    close(model(shared, target), model(apart, target))


@torch.no_grad()
def test_concat_equals_one_long_source() -> None:
    """With the same projections, two sources are one whose positions stand one after the other."""
    model = make("concat", {"en": {}, "de": {"same_as": "en"}})
    for fusion in model.decoder.cross_attentions():
        fusion.kv["de"].load_state_dict(fusion.kv["en"].state_dict())  # type: ignore[index, operator, union-attr]
    two, target = Sources({"en": pad(EN), "de": pad(DE)}), tokens(3, 5)
    memory = model.encode(two).sources
    one = type(memory["en"])(
        tuple(
            fusion.join(  # type: ignore[operator]
                {name: memory[name].cross[number] for name in memory},
                {name: memory[name].keep.any(1) for name in memory},
            ).whole
            for number, fusion in enumerate(model.decoder.cross_attentions())
        ),
        torch.cat([memory["en"].keep, memory["de"].keep], 1),
    )
    long_source = EncodedSources({"en": one})
    logits = model(two, target)
    read = [
        model.step(target[:, :1], model.init_cache(found, beam=1, capacity=1))[0]
        for found in (model.encode(two), long_source)
    ]
    close(read[0], read[1])
    close(read[0], logits[:, :1])


@torch.no_grad()
def test_concat_by_merging_log_sum_exps_equals_one_softmax() -> None:
    model, target, record = make("concat"), tokens(3, 5), Record()
    model(batch(), target, record)
    seen = [record.at(f"decoder.1.target_to_{name}")[0] for name in SOURCES]
    whole = seen[0].backend.attend(seen[0].query, seen[0].whole)  # type: ignore[arg-type]
    merged = sum(one.mass()[..., None] * one.backend.attend(one.query, one.memory) for one in seen)
    close(merged, whole)  # type: ignore[arg-type]
    close(torch.stack([one.mass() for one in seen]).sum(0), torch.ones(3, 2, 5).double())


@torch.no_grad()
def test_the_order_of_parallel_sources_does_not_matter() -> None:
    model, target = make("parallel"), tokens(3, 5)
    other = make(
        "parallel", dict(reversed([item for item in SOURCES.items() if item[0] != "fr"])) | {"fr": {"same_as": "en"}}
    )
    other.load_state_dict(model.state_dict())
    close(other(batch(), target), model(batch(), target))


@torch.no_grad()
def test_closed_gates_are_the_model_of_the_first_source_to_the_bit() -> None:
    torch.manual_seed(5)
    model = make("gated").float()
    for name, weight in model.named_parameters():
        if ".gates." in name:
            weight.zero_()
    given, target = batch(), tokens(3, 5)
    halves = Sources(
        {**given.parts, "picture": Padded(given.parts["picture"].values.float(), given.parts["picture"].keep)}
    )  # type: ignore[attr-defined]
    alone = model(Sources({"en": halves.parts["en"]}), target)
    assert torch.equal(model(halves, target), alone)
    cache, beside = (
        model.init_cache(model.encode(each), beam=1, capacity=5)
        for each in (halves, Sources({"en": halves.parts["en"]}))
    )
    for step in range(5):
        (with_others, cache), (without, beside) = (
            model.step(target[:, step : step + 1], one) for one in (cache, beside)
        )
        assert torch.equal(with_others, without)
