"""A model that leaves for Hugging Face: transformers and weft read from its folder what weft has in memory."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
import torch
from tests.interop.outward import LEARNED, batch, make

from weft.base.errors import ConfigError, UnsupportedError
from weft.converting import convert
from weft.interop.read import read
from weft.interop.write import write
from weft.store.folder import load

if TYPE_CHECKING:
    from weft.data.tokenizer import Tokenizer

transformers = pytest.importorskip("transformers")
SHAPES: dict[str, tuple[str, dict[str, Any]]] = {
    "post-norm": ("marian", {"norm_position": "post"}),
    "post-norm, two tables": ("marian", {"norm_position": "post", "tie": "target", "activation": "silu"}),
    "post-norm, untied": ("marian", {"norm_position": "post", "tie": "none", "embedding_scale": "none"}),
    "pre-norm": ("pegasus", {"decoder_heads": 4, "decoder_feedforward_width": 41}),
    "pre-norm, no biases": ("pegasus", {"bias": False, "activation": "gelu_tanh"}),
    "pre-norm, bias of logits": ("pegasus", {"logits_bias": True, "embedding_scale": "none"}),
    "pre-norm, tables in part": ("pegasus", {"tie": "embeddings"}),
    "evenly spaced": ("m2m_100", {"position": "evenly_spaced", "position_offset": 1}),
    "learned, post-norm": ("bart", {**LEARNED, "norm_position": "post", "activation": "gelu"}),
    "learned, pre-norm": ("mbart", {**LEARNED, "tie": "none"}),
}


@pytest.mark.parametrize("name", SHAPES)
def test_states_and_logits_are_equal_there_and_back(name: str, tmp_path: Path) -> None:
    family, changes = SHAPES[name]
    stored = load(make(tmp_path / "ours", **changes))
    convert(tmp_path / "ours", tmp_path / "theirs", to="hf")
    source, target = batch(stored.tokenizer)
    theirs, found = transformers.AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "theirs", output_loading_info=True)
    assert theirs.config.model_type == family
    assert not any(found.values())
    back = read(tmp_path / "theirs")
    with torch.no_grad():
        ours = stored.model(source, target)
        there = theirs(input_ids=source.values, attention_mask=source.keep.long(), decoder_input_ids=target).logits
        again = back.model(source, target)
    assert ours.std() > 0.5
    torch.testing.assert_close(there, ours, rtol=0, atol=1e-5)
    torch.testing.assert_close(again, ours, rtol=0, atol=1e-5)
    assert back.config.tie == stored.config.model.tie
    assert (back.specials.start, back.specials.eos) == (stored.tokenizer.tag("fr"), stored.tokenizer.eos)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"norm": "rms"}, "norm 'rms' .wanted 'layer'."),
        ({"norm": "rms", "activation": "swiglu"}, "norm 'rms' .*activation 'swiglu' .wanted 'relu' or 'gelu'"),
        ({"position": "rotary"}, "position 'rotary' .wanted 'sinusoidal' or 'evenly_spaced' or 'learned'."),
        ({"position": "relative"}, "position 'relative'"),
        ({"num_groups": 1}, "num_groups 1 .wanted None or 3."),
        ({"key_width": 7, "value_width": 7}, "key_width 7 .wanted None or 8.*value_width 7"),
        ({"attention_scale": 1.0}, "attention_scale 1.0"),
        ({"norm_epsilon": 1e-6}, "norm_epsilon 1e-06"),
        ({"logits_scale": 0.5}, "logits_scale 0.5"),
        ({"kind": "recurrent"}, "kind 'recurrent' .wanted 'transformer'."),
        ({"position_offset": 3}, "pegasus has no model with position_offset 3 .wanted 0."),
        ({"position": "evenly_spaced"}, "m2m_100 has no model with position_offset 0 .wanted 1."),
        ({"position": "learned"}, "wanted norm_position, position and embedding_norm .*got 'pre', 'learned', False"),
        ({"position": "evenly_spaced", "position_offset": 1, "logits_bias": True}, "m2m_100 .*logits_bias True"),
    ],
)
def test_what_no_family_has_is_refused_by_name_before_anything_is_written(
    changes: dict[str, Any], named: str, tmp_path: Path
) -> None:
    make(tmp_path / "ours", **changes)
    with pytest.raises(UnsupportedError, match=f"{named}.*keep it as a weft model"):
        convert(tmp_path / "ours", tmp_path / "theirs", to="hf")
    assert [path.name for path in tmp_path.iterdir()] == ["ours"]


@pytest.mark.parametrize("to", ["hf", "ct2"])
def test_the_score_of_no_word_is_left_out_with_a_warning(
    to: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make(tmp_path / "ours", alignment_head={"layer": 1, "head": 2})
    with caplog.at_level(logging.WARNING, logger="weft"):
        convert(tmp_path / "ours", tmp_path / "theirs", to=to)
    assert "decoder.layers.1.cross_attention.sublayer.null.key" in caplog.text
    assert "translations are the same, but links" in caplog.text
    caplog.clear()
    make(tmp_path / "plain")
    convert(tmp_path / "plain", tmp_path / "plain there", to=to)
    assert not caplog.text


def test_the_settings_of_the_search_leave_and_come_back(tmp_path: Path) -> None:
    make(tmp_path / "ours")
    path = tmp_path / "ours" / "config.json"
    asked = {
        "beam": 3,
        "length_penalty": 0.6,
        "min_length": 2,
        "max_length": 17,
        "max_length_ratio": None,
        "no_repeat_ngram": 3,
        "banned": [0, 1],
        "banned_first": [9],
        "banned_sequences": [[7, 8]],
        "forced_first": 11,
        "forced_end": True,
        "renormalise": True,
        "stopping": "certain",
    }
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"search": asked}), encoding="utf-8")
    convert(tmp_path / "ours", tmp_path / "theirs", to="hf")
    back = json.loads(read(tmp_path / "theirs").search.model_dump_json())
    assert {key: back[key] for key in asked} == asked


def test_a_limit_that_grows_with_the_source_becomes_a_number(tmp_path: Path) -> None:
    make(tmp_path / "ours")
    convert(tmp_path / "ours", tmp_path / "theirs", to="hf")
    assert read(tmp_path / "theirs").search.max_length == 2 * 128 + 20
    make(tmp_path / "short", **LEARNED)
    convert(tmp_path / "short", tmp_path / "short there", to="hf")
    assert read(tmp_path / "short there").search.max_length == 60


def test_a_model_of_no_language_cannot_leave(tmp_path: Path) -> None:
    make(tmp_path / "ours", languages=())
    with pytest.raises(ConfigError, match=r"wanted a model that names its languages, got none"):
        convert(tmp_path / "ours", tmp_path / "theirs", to="hf")


def test_a_model_with_a_tokenizer_of_somebody_elses_cannot_leave(tmp_path: Path) -> None:
    stored = replace(load(make(tmp_path / "ours")), tokenizer=cast("Tokenizer", object()))
    with pytest.raises(UnsupportedError, match="wanted a model with a tokenizer of weft's own, got one that came with"):
        write(stored, tmp_path)
