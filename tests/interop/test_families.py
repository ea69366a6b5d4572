"""Equal numbers: encoder states and logits of every family are those of transformers, padding in the batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.interop.borrowed import CASES, PAD, SOURCES, make, save

from weft.base.padded import pad
from weft.interop.read import read


@pytest.fixture(params=CASES)
def theirs(request: pytest.FixtureRequest) -> Any:
    return make(request.param)


@torch.no_grad()
def test_states_and_logits_are_equal(theirs: Any, tmp_path: Path) -> None:
    ours = read(save(theirs, tmp_path / "checkpoint"))
    source = pad(SOURCES, padding=PAD)
    target = torch.tensor([[ours.specials.start, 7, 8, 40, 11], [ours.specials.start, 9, 30, 4, 5]] * 2)[:3]
    wanted = theirs(
        input_ids=source.values, attention_mask=source.keep.long(), decoder_input_ids=target, use_cache=False
    )
    states = ours.model.encoder(source)
    real = source.keep
    torch.testing.assert_close(states.values[real], wanted.encoder_last_hidden_state[real], rtol=0, atol=1e-5)
    torch.testing.assert_close(ours.model(source, target), wanted.logits, rtol=0, atol=1e-5)
