from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from weft.alignment.settings import AlignmentSettings
from weft.data.tokenizer import Tokenizer
from weft.store.config import StoredConfig
from weft.store.folder import save
from weft.store.verify import verify


def problems(folder: Path) -> dict[str, str]:
    return {check.name: check.problem for check in verify(folder).checks if check.problem}


def test_a_saved_model_is_well(folder: Path) -> None:
    report = verify(folder)
    assert report.ok
    assert str(report).splitlines() == [
        f"{name}: ok" for name in ("config", "checksums", "weights", "values", "tokenizer", "alignment", "card")
    ]


def test_without_a_configuration_nothing_else_is_judged(tmp_path: Path) -> None:
    report = verify(tmp_path)
    assert not report.ok
    assert [check.name for check in report.checks] == ["config"]


def test_damaged_weights_fail_three_checks(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"not weights")
    assert problems(folder).keys() == {"checksums", "weights", "values"}
    assert "wanted SHA-256" in problems(folder)["checksums"]


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_weights_that_are_not_finite_are_named(
    folder: Path, model: nn.Module, tokenizer: Tokenizer, config: StoredConfig, value: float
) -> None:
    with torch.no_grad():
        model.get_parameter("encoder.norm.bias")[3] = value
    save(folder, model, tokenizer, config, "card")
    assert problems(folder).keys() == {"values"}
    assert "wanted finite weights, got NaN or infinity in encoder.norm.bias" in problems(folder)["values"]


def test_an_alignment_that_the_model_has_no_heads_for(
    folder: Path, model: nn.Module, tokenizer: Tokenizer, config: StoredConfig
) -> None:
    config = config.model_copy(update={"alignment": AlignmentSettings(layer=2, heads=(0, 5))})
    save(folder, model, tokenizer, config, "card")
    assert "wants a layer below 2 and heads below 2, got layer 2 and heads [0, 5]" in problems(folder)["alignment"]


def test_a_model_may_have_no_alignment_but_must_have_a_card(
    folder: Path, model: nn.Module, tokenizer: Tokenizer, config: StoredConfig
) -> None:
    save(folder, model, tokenizer, config.model_copy(update={"alignment": None}), " \n")
    assert problems(folder).keys() == {"card"}
    assert "wanted a card (data, licence, recipe, scores), got none; write one" in problems(folder)["card"]


def test_a_tokenizer_that_does_not_fit(folder: Path) -> None:
    Tokenizer.train(["abc"], vocabulary_size=261, languages=["fr", "es"]).save(folder)
    data = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    data["checksums"].pop("tokenizer.json")
    (folder / "config.json").write_text(json.dumps(data), encoding="utf-8")
    assert problems(folder).keys() == {"tokenizer"}
