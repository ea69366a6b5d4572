"""A prompt and the steps behind it share one buffer."""

from __future__ import annotations

import torch

from weft.attention import Causal, KeyValues, Padding, Reference
from weft.layers.cache import Ancestors, Stepping
from weft.layers.prompt import Reading, behind_prompt, history_after

B, N, G, S, K, E = 2, 3, 5, 7, 11, 13


def keys(time: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(B, G, time, K, generator=torch.Generator().manual_seed(seed))


def values(time: int, seed: int = 2) -> torch.Tensor:
    return torch.randn(B, G, time, E, generator=torch.Generator().manual_seed(seed))


def test_reading_keeps_each_layer_in_order() -> None:
    reading = Reading(Causal())
    first, second = (reading.extend(keys(S, seed), values(S, seed), Reference()) for seed in (1, 2))
    assert reading.kept[0] is first
    assert reading.kept[1] is second
    assert torch.equal(second.k, keys(S, 2))


def test_steps_stand_behind_their_prompt_in_one_buffer_without_a_copy() -> None:
    prompt = KeyValues(keys(S), values(S))
    history = history_after(prompt, beam=N, capacity=2)
    ancestors = Ancestors.empty(B, N, 2, torch.device("cpu"))
    for step in range(2):
        ancestors = ancestors.advance()
        past = Stepping(history, behind_prompt(torch.ones(B, S).bool(), ancestors), ancestors.length)
        memory = past.extend(keys(N, 3 + step), values(N, 3 + step), Reference())
        assert memory.k.data_ptr() == history.k.data_ptr()
    assert torch.equal(memory.k, torch.cat((keys(S), keys(N, 3), keys(N, 4)), 2))
    assert torch.equal(memory.v, torch.cat((values(S), values(N, 3), values(N, 4)), 2))
    assert torch.equal(prompt.k, keys(S)), "the prompt itself is not written to"


def test_select_keeps_the_prompts_of_the_chosen_sources() -> None:
    history = history_after(KeyValues(keys(S), values(S), Padding(torch.ones(B, S).bool())), beam=N, capacity=2)
    kept = history.select(torch.tensor([1]), Ancestors.empty(B, N, 2, torch.device("cpu")))
    assert kept.lead == S
    assert torch.equal(kept.k[:, :, :S], keys(S)[1:])


def test_a_hypothesis_sees_its_prompt_and_its_own_slots() -> None:
    keep = torch.tensor([[True, True, False], [True, False, False]])
    ancestors = (
        Ancestors.empty(B, 2, 2, torch.device("cpu")).advance().reorder(torch.tensor([[1, 0], [1, 1]])).advance()
    )
    mask = behind_prompt(keep, ancestors)
    seen = mask.dense(torch.arange(2), torch.arange(3 + 4)).int()
    assert seen[0, 0].tolist() == [[1, 1, 0, 0, 1, 1, 0], [1, 1, 0, 1, 0, 0, 1]]
    assert seen[1, 0].tolist() == [[1, 0, 0, 0, 1, 1, 0], [1, 0, 0, 0, 1, 0, 1]]


def test_one_hypothesis_sees_every_step_of_its_own() -> None:
    ancestors = Ancestors.empty(B, 1, 2, torch.device("cpu")).advance().advance()
    mask = behind_prompt(torch.tensor([[True, False], [True, True]]), ancestors)
    assert mask.dense(torch.arange(1), torch.arange(4)).int().tolist() == [[[[1, 0, 1, 1]]], [[[1, 1, 1, 1]]]]
