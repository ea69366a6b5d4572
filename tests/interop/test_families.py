"""Equal numbers: encoder states and logits of every family are those of transformers, padding in the batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.interop.borrowed import CASES, PAD, SOURCES, make, save, transformers

from weft.attention import Record
from weft.base.padded import pad
from weft.interop.families import FAMILIES
from weft.interop.read import read


@pytest.fixture(params=CASES)
def theirs(request: pytest.FixtureRequest) -> Any:
    return make(request.param, spread=0.9, loud=0.5)


@torch.no_grad()
def test_states_and_logits_are_equal(theirs: Any, tmp_path: Path) -> None:
    ours = read(save(theirs, tmp_path / "checkpoint"))
    source = pad(SOURCES, padding=PAD)
    target = torch.tensor([[ours.specials.start, 7, 8, 40, 11], [ours.specials.start, 9, 30, 4, 5]] * 6)[: len(SOURCES)]
    wanted = theirs(
        input_ids=source.values, attention_mask=source.keep.long(), decoder_input_ids=target, use_cache=False
    )
    states = ours.model.encoder(source)
    real = source.keep
    torch.testing.assert_close(states.values[real], wanted.encoder_last_hidden_state[real], rtol=0, atol=1e-5)
    torch.testing.assert_close(ours.model(source, target), wanted.logits, rtol=0, atol=1e-5)


@torch.no_grad()
def test_what_was_attended_to_is_equal(theirs: Any, tmp_path: Path) -> None:
    """So converted models align: every head of every layer of the decoder read the source as in transformers."""
    ours = read(save(theirs, tmp_path / "checkpoint"))
    theirs.set_attn_implementation("eager")
    source, target = pad(SOURCES, padding=PAD), torch.tensor([[ours.specials.start, 7, 8]] * len(SOURCES))
    wanted = theirs(
        input_ids=source.values,
        attention_mask=source.keep.long(),
        decoder_input_ids=target,
        output_attentions=True,
        use_cache=False,
    ).cross_attentions
    record = Record()
    ours.model(source, target, record)
    for layer, weights in enumerate(wanted):
        [seen] = record.at(f"decoder.{layer}.target_to_source")
        torch.testing.assert_close(seen.weights(), weights, rtol=0, atol=1e-5)


def test_every_family_is_tried() -> None:
    tried = {getattr(transformers, config).model_type for config, _, _ in CASES.values()}
    assert tried | {"whisper", "vision-encoder-decoder"} == set(FAMILIES)  # those two in test_media_families.py
