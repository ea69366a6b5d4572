"""What a model computes in, by name: int8 translates, aligns and scores, and is told apart from floats."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

import weft
from weft.base.errors import ConfigError, UnsupportedError
from weft.layers.quantised import QuantisedLinear, QuantisedTable
from weft.store.folder import load
from weft.store.precision import computing_in, named

TEXTS = ["two sentences", "for the test"]


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (None, "float32"),
        ("int8", "int8"),
        ("bfloat16", "bfloat16"),
        (torch.float16, "float16"),
        (torch.float64, "float64"),
    ],
)
def test_types_have_names(given: torch.dtype | str | None, name: str) -> None:
    assert named(given) == name


def test_another_type_is_named() -> None:
    with pytest.raises(
        ConfigError, match="dtype must be one of float32, bfloat16, float16, int8, got int4; choose one"
    ):
        named("int4")


def test_every_matrix_is_in_bytes_and_no_float_is_kept(folder: Path) -> None:
    stored = load(folder)
    whole = sum(parameter.numel() for parameter in stored.model.parameters())
    model = computing_in("int8", stored).model
    assert not [module for module in model.modules() if isinstance(module, nn.Linear)]
    assert [module for module in model.modules() if isinstance(module, QuantisedLinear)]
    assert [module for module in model.modules() if isinstance(module, QuantisedTable)]
    assert sum(parameter.numel() for parameter in model.parameters()) < 0.1 * whole


def test_sources_encoded_in_int8_belong_to_int8(folder: Path) -> None:
    floats, bytes_ = weft.load(folder), weft.load(folder, dtype="int8")
    to = floats.languages[0].to
    encoded = bytes_.encode(TEXTS)
    assert bytes_.translate(encoded, to=to) == bytes_.translate(TEXTS, to=to)
    with pytest.raises(ConfigError, match="wanted a source that this model"):
        floats.translate(encoded, to=to)


def test_int8_aligns_scores_streams_and_ranks_as_it_translates(folder: Path) -> None:
    translator = weft.load(folder, dtype="int8")
    found = translator.translate(TEXTS[0], to="fr", align=True, beam=3, nbest=2)
    assert found.text == translator.translate(TEXTS[0], to="fr", beam=3).text
    assert len(found.hypotheses) == 2
    assert "".join(translator.stream(TEXTS[0], to="fr", beam=3)) == found.text
    (scored,) = translator.score([(TEXTS[0], found.text)], to="fr", align=True)
    assert scored.words


def test_int8_is_for_processors(folder: Path) -> None:
    with pytest.raises(
        UnsupportedError, match="int8 is for processors, got device cuda; leave the device out, or load in"
    ):
        weft.load(folder, dtype="int8", device="cuda")
