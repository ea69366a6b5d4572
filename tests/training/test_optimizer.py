"""AdamW: decay for matrices alone, and a state that survives as named tensors."""

from __future__ import annotations

import torch
from torch import nn

from weft.training.config import TrainingConfig
from weft.training.optimizer import build_optimizer, load_optimizer_tensors, optimizer_tensors


def model() -> nn.Module:
    torch.default_generator.manual_seed(3)
    return nn.Sequential(nn.Linear(5, 7), nn.LayerNorm(7))


def step(model: nn.Module, optimizer: torch.optim.Optimizer, number: int) -> None:
    x = torch.randn(3, 5, generator=torch.Generator().manual_seed(number))
    model(x).square().sum().backward()
    optimizer.step()
    optimizer.zero_grad()


def test_matrices_decay_and_biases_and_norms_do_not() -> None:
    net = model()
    optimizer = build_optimizer(net, TrainingConfig(steps=1, weight_decay=0.3))
    decay = {id(p): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
    found = {name: decay[id(p)] for name, p in net.named_parameters()}
    assert found == {"0.weight": 0.3, "0.bias": 0.0, "1.weight": 0.0, "1.bias": 0.0}


def test_frozen_parameters_are_left_out() -> None:
    net = model()
    net[0].requires_grad_(False)
    optimizer = build_optimizer(net, TrainingConfig(steps=1))
    assert sum(len(group["params"]) for group in optimizer.param_groups) == 2


def test_settings_are_those_of_the_config() -> None:
    optimizer = build_optimizer(model(), TrainingConfig(steps=1, learning_rate=0.02, betas=(0.7, 0.9)))
    assert {(group["lr"], group["betas"]) for group in optimizer.param_groups} == {(0.02, (0.7, 0.9))}


def test_the_state_goes_on_in_another_optimizer() -> None:
    net, config = model(), TrainingConfig(steps=1)
    optimizer = build_optimizer(net, config)
    step(net, optimizer, 1)
    saved = {name: tensor.clone() for name, tensor in optimizer_tensors(optimizer, net).items()}
    assert {name.rsplit("/", 1)[1] for name in saved} == {"step", "exp_avg", "exp_avg_sq"}
    copy = model()
    copy.load_state_dict(net.state_dict())
    restored = build_optimizer(copy, config)
    load_optimizer_tensors(restored, copy, saved)
    step(net, optimizer, 2)
    step(copy, restored, 2)
    for one, other in zip(net.parameters(), copy.parameters(), strict=True):
        assert torch.equal(one, other)


def test_what_was_loaded_is_a_copy() -> None:
    net, config = model(), TrainingConfig(steps=1)
    optimizer = build_optimizer(net, config)
    step(net, optimizer, 1)
    saved = {name: tensor.clone() for name, tensor in optimizer_tensors(optimizer, net).items()}
    before = {name: tensor.clone() for name, tensor in saved.items()}
    load_optimizer_tensors(optimizer, net, saved)
    step(net, optimizer, 2)
    assert all(torch.equal(saved[name], before[name]) for name in saved)
