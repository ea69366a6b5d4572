"""The moving average equals its recurrence, and leaves the model as it was."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from weft.training.averaging import MovingAverage

DECAY = 0.9


@pytest.fixture
def model() -> nn.Module:
    torch.default_generator.manual_seed(3)
    net = nn.Sequential(nn.Embedding(11, 7), nn.Linear(7, 11, bias=False))
    net[1].weight = net[0].weight  # tied, as in a real model
    return net.double()


def move(model: nn.Module, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype))


def copied(model: nn.Module) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in model.parameters()]


def test_it_equals_the_recurrence(model: nn.Module) -> None:
    average = MovingAverage(model, DECAY)
    wanted = copied(model)
    for number in range(1, 120):
        move(model, number)
        average.update(number)
        decay = min(DECAY, (1 + number) / (10 + number))
        wanted = [decay * old + (1 - decay) * new for old, new in zip(wanted, copied(model), strict=True)]
    torch.testing.assert_close(list(average.state_dict().values()), wanted)
    assert decay == DECAY  # both branches of the decay were met


def test_applied_shows_the_average_and_restores_exactly(model: nn.Module) -> None:
    average = MovingAverage(model, DECAY)
    move(model, 1)
    average.update(1)
    own, averaged = copied(model), [tensor.clone() for tensor in average.state_dict().values()]
    with average.applied():
        assert all(torch.equal(a, b) for a, b in zip(copied(model), averaged, strict=True))
        assert model[0].weight is model[1].weight
    assert all(torch.equal(a, b) for a, b in zip(copied(model), own, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(average.state_dict().values(), averaged, strict=True))


def test_applied_restores_after_an_error(model: nn.Module) -> None:
    average = MovingAverage(model, DECAY)
    move(model, 1)
    own = copied(model)
    with pytest.raises(RuntimeError, match="while validating"), average.applied():
        raise RuntimeError("while validating")
    assert all(torch.equal(a, b) for a, b in zip(copied(model), own, strict=True))


def test_without_decay_it_is_the_model_itself(model: nn.Module) -> None:
    average = MovingAverage(model, 0.0)
    move(model, 1)
    average.update(1)
    own = copied(model)
    assert average.state_dict() == {}
    with average.applied():
        assert all(torch.equal(a, b) for a, b in zip(copied(model), own, strict=True))


def test_the_state_goes_on_in_another(model: nn.Module) -> None:
    average = MovingAverage(model, DECAY)
    move(model, 1)
    average.update(1)
    other = MovingAverage(model, DECAY)
    other.load_state_dict(average.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(other.average.values(), average.average.values(), strict=True))
