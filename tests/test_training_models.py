"""The model that a run starts from: decided by the seed alone."""

from __future__ import annotations

import torch
from tests.training.tiny import recipe

from weft.training_models import assign, initial_model


def drawn(seed: int) -> dict[str, torch.Tensor]:
    model = initial_model(recipe(seed=seed), 331, init=None)
    return {name: p.detach() for name, p in model.named_parameters()}


def test_the_seed_decides_the_weights_and_the_process_is_left_alone() -> None:
    torch.default_generator.manual_seed(11)
    before = torch.get_rng_state()
    one = drawn(7)
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(5)
    assert all(torch.equal(value, one[name]) for name, value in drawn(7).items())
    assert any(not torch.equal(value, one[name]) for name, value in drawn(8).items())


def test_weights_are_assigned_by_name_and_the_others_stay() -> None:
    model = initial_model(recipe(), 331, init=None)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    first = next(iter(before))
    assign(model, {first: torch.zeros_like(before[first])})
    assert not dict(model.named_parameters())[first].any()
    assert all(torch.equal(p, before[name]) for name, p in model.named_parameters() if name != first)
