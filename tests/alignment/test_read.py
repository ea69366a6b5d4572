"""What the chosen heads read, averaged, by norm or not."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from weft.alignment.read import combined, read
from weft.alignment.settings import AlignmentSettings
from weft.attention import Fused
from weft.attention.masks import Padding
from weft.attention.record import Null, Observation


def observation(null: Null | None = None) -> Observation:
    """b=2 h=3 t=5 s=7 k=11 e=13; the second source has 5 keys."""
    generator = torch.Generator().manual_seed(3)
    q, k, v = (torch.randn(2, 3, *shape, generator=generator).double() for shape in ((5, 11), (7, 11), (7, 13)))
    keep = torch.tensor([[True] * 7, [True] * 5 + [False] * 2])
    backend, output = Fused(), nn.Linear(39, 17, bias=False)
    output.weight = nn.Parameter(torch.randn(17, 39, generator=generator).double(), requires_grad=False)
    return Observation("x", q, backend.prepare(k, v, mask=Padding(keep)), backend, output=output, null=null)


def test_heads_are_averaged() -> None:
    seen = observation()
    found = read(seen, AlignmentSettings(layer=0, heads=(0, 2)))
    np.testing.assert_allclose(found, seen.weights()[:, [0, 2]].mean(1).numpy(), atol=1e-12)
    one = read(seen, AlignmentSettings(layer=0, heads=(1,)))
    np.testing.assert_allclose(one, seen.weights()[:, 1].numpy(), atol=1e-12)


def test_by_norm_a_weight_counts_as_much_as_what_it_hands_on_is_long() -> None:
    seen = observation()
    found = read(seen, AlignmentSettings(layer=0, heads=(0, 2), norm_weighting=True))
    assert seen.output is not None
    lengths = [
        (seen.memory.v[:, head] @ seen.output.weight[:, 13 * head : 13 * head + 13].T).norm(dim=-1) for head in (0, 2)
    ]
    weighted = sum(seen.weights()[:, head] * n[:, None] for head, n in zip((0, 2), lengths, strict=True)).numpy()
    np.testing.assert_allclose(found, weighted / weighted.sum(-1, keepdims=True), atol=1e-12)
    assert (found[1, :, 5:] == 0).all()


def test_what_no_word_took_stays_taken_by_norm_or_not() -> None:
    seen = observation(Null(2, torch.linspace(-2, 2, 11).double(), torch.tensor(0.3).double()))
    mass = 1 - seen.null_mass().numpy() / 2  # of one of two heads
    for by_norm in (False, True):
        found = read(seen, AlignmentSettings(layer=0, heads=(0, 2), norm_weighting=by_norm))
        np.testing.assert_allclose(found.sum(-1), mass, atol=1e-12)
    assert mass.min() < 0.9


def test_rows_that_read_nothing_stay_nothing() -> None:
    weights, norms = torch.zeros(2, 3, 5), torch.zeros(2, 5)
    assert (combined(weights, norms) == 0).all()
    weights[..., 0] = 1.0  # all on a key that hands on nothing
    np.testing.assert_array_equal(combined(weights, norms), combined(weights))
