"""What configurations of sound and picture models may say, and what is refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.interop.borrowed import save
from tests.interop.media import drawn, make, source
from tests.interop.test_read import edited

import weft
from weft.base.errors import ConfigError, DataError, UnsupportedError
from weft.interop.forms import form
from weft.interop.read import describe, read


@pytest.fixture(scope="module")
def whisper() -> Any:
    return make("whisper")


@pytest.fixture(scope="module")
def trocr() -> Any:
    return make("vit, trocr")


def nested(folder: Path, part: str, **changes: Any) -> Path:
    path = folder / "config.json"
    data = json.loads(path.read_text("utf-8"))
    data[part] |= changes
    path.write_text(json.dumps(data), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scale_embedding": True}, "scale_embedding: .*False, got True"),
        ({"activation_function": "mish"}, "activation_function: wanted one of .*, got 'mish'"),
        ({"convolutions": 3}, "unknown key convolutions"),
    ],
)
def test_fields_of_whisper_are_honoured_or_refused(
    whisper: Any, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=f"config.json: {message}"):
        describe(edited(save(whisper, tmp_path / "checkpoint"), **changes))


def test_timestamps_are_not_written_yet(whisper: Any, tmp_path: Path) -> None:
    folder = edited(save(whisper, tmp_path / "checkpoint"), "generation_config.json", return_timestamps=True)
    with pytest.raises(ConfigError, match=r"generation_config.json: return_timestamps: .*False, got True"):
        describe(folder)


@pytest.mark.parametrize(
    ("part", "changes", "message"),
    [
        ("encoder", {"model_type": "swin"}, "encoder.model_type: .*'vit' or 'deit', got 'swin'"),
        ("decoder", {"model_type": "gpt2"}, "decoder.model_type: .*'trocr', got 'gpt2'"),
        ("encoder", {"hidden_act": "mish"}, "encoder.hidden_act: wanted one of .*, got 'mish'"),
        ("encoder", {"layer_scale": 0.1}, "unknown key encoder.layer_scale"),
        ("decoder", {"activation_function": "mish"}, "decoder.activation_function: wanted one of"),
        (
            "decoder",
            {"cross_attention_hidden_size": 7},
            "decoder.cross_attention_hidden_size 7 contradicts encoder.hidden_size 20; correct one",
        ),
    ],
)
def test_fields_of_both_parts_are_honoured_or_refused(
    trocr: Any, tmp_path: Path, part: str, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=f"config.json: {message}"):
        describe(nested(save(trocr, tmp_path / "checkpoint"), part, **changes))


def test_old_files_say_all_that_there_is_of_each_part(trocr: Any, tmp_path: Path) -> None:
    folder = save(trocr, tmp_path / "checkpoint")
    wanted = describe(folder).shape
    nested(folder, "encoder", num_beams=1, max_length=20, do_sample=False, temperature=1.0, id2label={"0": "x"})
    nested(folder, "encoder", cross_attention_hidden_size=None, tie_encoder_decoder=False, tie_word_embeddings=True)
    nested(folder, "decoder", hidden_size=24, is_decoder=True, top_k=50, use_cache=False, pruned_heads={})
    assert describe(folder).shape == wanted


def test_a_picture_needs_no_special_ids_but_those_of_its_decoder(trocr: Any, tmp_path: Path) -> None:
    folder = save(trocr, tmp_path / "checkpoint")
    (folder / "generation_config.json").unlink()
    specials = describe(folder).specials
    assert (specials.pad, specials.eos, specials.start) == (1, 2, 2)


def test_keys_without_bias_have_one_of_zeros(whisper: Any, tmp_path: Path) -> None:
    model = read(save(whisper, tmp_path / "checkpoint")).model
    q, k, v = model.decoder.layers[1].attention.sublayer.qkv.bias.chunk(3)
    assert k.abs().max() == 0
    assert torch.equal(q, whisper.model.decoder.layers[1].self_attn.q_proj.bias)
    assert torch.equal(v, whisper.model.decoder.layers[1].self_attn.v_proj.bias)


def test_a_lost_bias_is_named(whisper: Any, tmp_path: Path) -> None:
    folder = save(whisper, tmp_path / "checkpoint")
    tensors = load_file(folder / "model.safetensors")
    lost = tensors.pop("model.decoder.layers.1.self_attn.q_proj.bias")
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(DataError, match=r"1 tensors are missing \(model.decoder.layers.1.self_attn.q_proj.bias\)"):
        read(folder)
    save_file(tensors | {"model.decoder.layers.1.self_attn.q_proj.bias": lost[:5]}, folder / "model.safetensors")
    with pytest.raises(DataError, match=r"q_proj.bias \[5\] \+ .*v_proj.bias \[24\] should make \[72\]"):
        read(folder)


@torch.no_grad()
def test_a_bridge_stands_where_widths_differ(tmp_path: Path) -> None:
    theirs = make("deit, trocr")
    ours = read(save(theirs, tmp_path / "checkpoint"))
    assert ours.config.bridge
    assert ours.config.memory_width == 24
    assert torch.equal(ours.model.bridge.weight, theirs.enc_to_dec_proj.weight)
    memory = ours.model.encode(source(theirs, drawn(theirs, 2)))
    assert memory.keep.shape == (2, 2 + 6)


def test_who_wants_to_translate_sound_is_told(tmp_path: Path) -> None:
    folder = save(make("whisper"), tmp_path / "checkpoint")
    with pytest.raises(
        UnsupportedError, match=r"text or pictures, got one that reads a sound; open one of sound with weft"
    ):
        weft.load(folder)


@pytest.mark.parametrize(("case", "modality"), [("whisper", "sound"), ("vit, trocr", "picture")])
def test_who_wants_to_save_it_elsewhere_is_told(case: str, modality: str, tmp_path: Path) -> None:
    folder = save(make(case), tmp_path / "checkpoint")
    with pytest.raises(
        UnsupportedError, match=rf"transformers has no model of weft's that reads a {modality}; train one"
    ):
        form(describe(folder).shape, pad=1)
