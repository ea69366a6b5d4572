"""What observation costs in memory: bytes of tensors that stand at once, counted and not estimated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from allocated import peak_bytes
from weft.attention import Fused, Observation, Padding

MEGABYTE = 1e6
K, H = 64, 2


def observed(t: int, s: int, *, gradient: bool = False) -> Observation:
    random = torch.Generator().manual_seed(3)
    q, k = (torch.randn(1, H, n, K, generator=random) for n in (t, s))
    memory = Fused().prepare(k, k, mask=Padding(torch.arange(s)[None] < s - 11))
    return Observation("a", q.requires_grad_(gradient), memory, Fused())


def test_the_count_knows_what_stands_and_what_is_gone():
    assert peak_bytes(lambda: torch.ones(1000)) == 4000
    assert peak_bytes(lambda: torch.ones(1000).double()) == 12000
    assert peak_bytes(lambda: [float(torch.ones(1000).double().sum()) for _ in range(3)]) < 13000


@torch.inference_mode()
def test_top_weights_of_a_head_take_less_than_four_megabytes_above_the_fused_call():
    one = observed(256, 16384)

    def attend() -> torch.Tensor:
        return one.backend.attend(one.query, one.memory)

    above = peak_bytes(lambda: (attend(), one.top(8, heads=[1]))) - peak_bytes(attend)
    assert 0 < above <= 4 * MEGABYTE
    assert peak_bytes(lambda: one.top(8, heads=[1])) <= 4 * MEGABYTE


def guided(one: Observation) -> torch.Tensor:
    edges = torch.arange(500)[:, None] * torch.tensor([0, 3, 5])
    one.log_weights_at(edges, head=1).sum().backward()
    return one.query


STATISTICS: dict[str, Callable[[Observation], Any]] = {
    "log normaliser": lambda one: one.log_normaliser([1]),
    "entropy": lambda one: one.entropy([1]),
    "position": lambda one: one.expected_position([1]),
    "segments": lambda one: one.segment_mass(torch.zeros(1, one.memory.k.shape[2], dtype=torch.long), 3, [1]),
    "coverage": lambda one: one.coverage([1]),
    "guided loss": guided,
}


@pytest.mark.parametrize("name", STATISTICS)
def test_statistics_never_form_all_weights(name):
    t, s = 2039, 4093
    one = observed(t, s, gradient=name == "guided loss")
    rows = (t + s) * K * 4
    assert peak_bytes(lambda: STATISTICS[name](one)) <= 5 * rows < t * s * 4 / 4
