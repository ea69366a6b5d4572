"""The table of docs/models.md is true: every row is built on the meta device and counted."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from weft.models.build import build
from weft.models.config import ModelConfig
from weft.models.presets import PRESETS

PAGE = Path(__file__).parents[2] / "docs" / "models.md"
KEYS = ("width", "num_heads", "feedforward_width", "encoder_layers", "decoder_layers")


def rows() -> dict[str, list[int]]:
    lines = [line.strip("| \n").split("|") for line in PAGE.read_text(encoding="utf-8").splitlines() if "|" in line]
    return {name.strip(): [int(cell.replace(",", "")) for cell in cells] for name, *cells in lines[2:]}


def test_every_preset_has_a_row():
    assert list(rows()) == list(PRESETS)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_row_says_what_is_built(preset):
    *shape, parameters, without_table = rows()[preset]
    assert dict(zip(KEYS, shape, strict=True)) == PRESETS[preset]
    config = ModelConfig(vocabulary_size=8000, **PRESETS[preset])
    with torch.device("meta"):
        model = build(config)
    assert sum(weight.numel() for weight in model.parameters()) == parameters
    assert parameters - 8000 * config.width == without_table
