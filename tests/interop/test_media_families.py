"""Equal numbers: encoder states, logits and cross-attention weights of sound and picture models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.interop.borrowed import save
from tests.interop.media import CASES, drawn, make, source

from weft.attention.record import Record
from weft.interop.read import read


@pytest.fixture(params=CASES)
def theirs(request: pytest.FixtureRequest) -> Any:
    return make(request.param)


@torch.no_grad()
def test_states_logits_and_recorded_weights_are_equal(theirs: Any, tmp_path: Path) -> None:
    ours = read(save(theirs, tmp_path / "checkpoint"))
    given = drawn(theirs, 3)
    target = torch.tensor([[ours.specials.start, 7, 8, 40, 11], [ours.specials.start, 9, 30, 4, 5]] * 2)[:3]
    theirs.set_attn_implementation("eager")
    wanted = theirs(
        **{theirs.main_input_name: given}, decoder_input_ids=target, use_cache=False, output_attentions=True
    )
    record = Record(["decoder.1.target_to_source"])
    states, logits = ours.model.encoder(source(theirs, given)), ours.model(source(theirs, given), target, record)
    assert states.keep.all()
    torch.testing.assert_close(states.values, wanted.encoder_last_hidden_state, rtol=0, atol=1e-5)
    torch.testing.assert_close(logits, wanted.logits, rtol=0, atol=1e-5)
    (seen,) = record.at("decoder.1.target_to_source")
    torch.testing.assert_close(seen.weights(), wanted.cross_attentions[1], rtol=0, atol=1e-5)
