"""Norms of transformed values: lengths of what heads really write."""

from __future__ import annotations

import pytest
import torch
from tests.attention.problems import B, E, G, H, S, problem
from torch import nn

from weft.attention import Fused, Observation
from weft.attention.norms import value_norms
from weft.base.errors import ShapeError, UnsupportedError

WIDTHS = [7, 31]
"""Models narrower and wider than a head."""


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5), (torch.bfloat16, 1e-5)], ids=str
)
def test_norms_are_lengths_of_what_the_output_projection_makes_of_one_value(width, dtype, tolerance):
    v = problem(dtype=dtype).memory.v
    out = nn.Linear(H * E, width).to(dtype)
    norms = value_norms(v, out.weight)
    assert norms.dtype is torch.promote_types(dtype, torch.float32)
    for head in range(H):
        alone = torch.zeros(B, S, H, E, dtype=torch.float64)
        alone[:, :, head] = v[:, head * G // H].double()
        wanted = (alone.flatten(2) @ out.weight.double().T).norm(dim=-1)
        torch.testing.assert_close(norms[:, head].double(), wanted, atol=tolerance, rtol=tolerance)
    torch.testing.assert_close(value_norms(v, out.weight, [4, 1]), norms[:, [4, 1]])


def test_an_observation_knows_the_projection_of_its_site():
    case, out = problem(), nn.Linear(H * E, 7).double()
    one = Observation("decoder.1.target_to_source", case.q, case.memory, Fused(), output=out)
    assert torch.equal(one.value_norms([2]), value_norms(case.memory.v, out.weight, [2]))
    with pytest.raises(UnsupportedError, match=r"projection of here, which was not noted; pass output= to Observation"):
        Observation("here", case.q, case.memory, Fused()).value_norms()


@pytest.mark.parametrize("shape", [(7, H * E + 1), (7, 4 * E)])
def test_a_projection_of_other_heads_is_refused(shape):
    with pytest.raises(ShapeError, match=r"output must be \[d h\*e\] with e = 13 and h a multiple of 3, got"):
        value_norms(problem().memory.v, torch.zeros(shape, dtype=torch.float64))
