"""Steps as one function are the steps by parts, to the bit; what it does not know goes by parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from torch import nn

from weft.attention.record import Record
from weft.base.padded import Padded, pad
from weft.layers.feedforward import FEEDFORWARDS
from weft.layers.script import Script, UnknownPartError
from weft.models.at_once import Plain
from weft.models.build import build, cross_site
from weft.models.config import ModelConfig
from weft.models.int8 import to_int8

STEPS = 5
SITES = (cross_site(1), "decoder.1.self")


def model(**changes: object) -> nn.Module:
    base = {"vocabulary_size": 53, "width": 24, "num_heads": 3, "feedforward_width": 37, "encoder_layers": 1}
    torch.default_generator.manual_seed(3)
    made = build(ModelConfig.model_validate({**base, "decoder_layers": 2, **changes})).eval()
    for weight in made.parameters():
        if weight.dim() == 1:  # norms and biases that nothing can be mistaken for
            nn.init.normal_(weight, 0.5, 0.3)
    return made


def source(num_sources: int) -> Padded:
    """Sources of unlike lengths."""
    return pad([tuple(range(3, 3 + 7 - 2 * row)) for row in range(num_sources)])


@torch.no_grad()
def logits_of(made: nn.Module, read: Padded, *, beam: int, record: Record | None = None) -> Iterator[torch.Tensor]:
    """The logits of some steps in which hypotheses change places."""
    generator = torch.Generator().manual_seed(7)
    cache = made.init_cache(made.encode(read), beam=beam, capacity=STEPS)
    for _ in range(STEPS):
        tokens = torch.randint(0, 53, (len(read), beam), generator=generator)
        logits, cache = made.step(tokens, cache, record)
        cache = cache.reorder(torch.randint(0, beam, (len(read), beam), generator=generator))
        yield logits


def by_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Plain, "reading", lambda *_, **__: None)


@torch.no_grad()
def at_once(made: nn.Module, read: Padded) -> bool:
    """Whether its steps are one function when it reads this."""
    return made.init_cache(made.encode(read), beam=1, capacity=1).at_once is not None


VARIANTS = {
    "pre": {},
    "post": {"norm_position": "post"},
    "rms": {"norm": "rms", "norm_epsilon": 1e-3},
    "no bias": {"bias": False},
    "no scale": {"attention_scale": 1.0},
    "many": {"width": 256, "num_heads": 4, "feedforward_width": 257},
    **{name: {"activation": name, "bias": False} for name in FEEDFORWARDS},
}


@pytest.mark.parametrize("beam", [1, 3])
@pytest.mark.parametrize("num_sources", [1, 2, 5])
@pytest.mark.parametrize("variant", VARIANTS)
def test_it_is_the_step_by_parts(monkeypatch: pytest.MonkeyPatch, variant: str, num_sources: int, beam: int) -> None:
    made, read = model(**VARIANTS[variant]), source(min(num_sources, 3))
    read = read if num_sources < 5 else pad([tuple(range(3, 9))] * num_sources)
    assert at_once(made, read)
    together = list(logits_of(made, read, beam=beam))
    by_parts(monkeypatch)
    for one, other in zip(together, logits_of(made, read, beam=beam), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("num_sources", [2, 3])
def test_bytes_and_fewer_bits_too(monkeypatch: pytest.MonkeyPatch, num_sources: int) -> None:
    models = (to_int8(model()), model().to(torch.bfloat16))
    assert all(at_once(made, source(num_sources)) for made in models)
    together = [list(logits_of(made, source(num_sources), beam=13)) for made in models]
    by_parts(monkeypatch)
    for made, found in zip(models, together, strict=True):
        for one, other in zip(found, logits_of(made, source(num_sources), beam=13), strict=True):
            assert torch.equal(one, other)


@torch.no_grad()
def test_a_cache_with_other_histories_is_read_as_it_is() -> None:
    made, read, tokens = model(), source(2), torch.tensor([[3], [5]])
    _, cache = made.step(tokens, made.init_cache(made.encode(read), beam=1, capacity=3))
    turned = torch.tensor([1, 0])
    moved = tuple(history.select(turned, cache.ancestors) for history in cache.histories)
    logits, _ = made.step(tokens, replace(cache, histories=moved, encoded=cache.encoded.select(turned)))
    wanted, _ = made.step(tokens[turned], cache)
    torch.testing.assert_close(logits, wanted[turned], atol=1e-5, rtol=1e-5)


def test_a_source_of_nothing_reads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    made, read = model(), Padded(torch.tensor([[5, 7], [3, 3]]), torch.tensor([[True, True], [False, False]]))
    together = list(logits_of(made, read, beam=2))
    by_parts(monkeypatch)
    for one, other in zip(together, logits_of(made, read, beam=2), strict=True):
        assert torch.equal(one, other)


def test_what_is_asked_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    made, records = model(), (Record(SITES), Record(SITES))
    list(logits_of(made, source(3), beam=2, record=records[0]))
    by_parts(monkeypatch)
    list(logits_of(made, source(3), beam=2, record=records[1]))
    for site in SITES:
        one, other = (record.at(site) for record in records)
        assert len(one) == len(other) == STEPS
        for mine, theirs in zip(one, other, strict=True):
            assert torch.equal(mine.weights(), theirs.weights())


def test_layers_that_are_alike_are_one_function_of_the_parameters_themselves() -> None:
    made = model()
    with torch.no_grad():
        before = list(logits_of(made, source(2), beam=1))
        made.decoder.layers[1].feedforward.sublayer.outer.weight.mul_(-1)
        after = list(logits_of(made, source(2), beam=1))
    assert not any(torch.equal(one, other) for one, other in zip(before, after, strict=True))


@pytest.mark.parametrize(
    "changes",
    [
        {"num_groups": 1},
        {"position": "rotary"},
        {"backend": "reference"},
        {"value_width": 5},
        {"attention": "chunked"},
        {"position": "relative"},
    ],
    ids=str,
)
def test_what_is_unusual_goes_by_parts(changes: dict[str, object]) -> None:
    assert not at_once(model(**changes), source(2))


def test_what_trains_or_wants_gradients_goes_by_parts() -> None:
    made, read = model(), source(2)
    assert at_once(made, read)
    cache = made.init_cache(made.encode(read), beam=1, capacity=2)
    logits, _ = made.step(torch.tensor([[3], [5]]), cache)
    logits.sum().backward()
    assert made.decoder.layers[0].feedforward.sublayer.inner.weight.grad is not None
    assert not at_once(made.train(), read)


def test_a_part_that_nobody_has_written_down_is_named() -> None:
    with pytest.raises(UnknownPartError, match="Softplus"):
        Script("step", "x", 1).part(nn.Softplus(), "x")
