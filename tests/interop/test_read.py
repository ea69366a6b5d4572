"""What a checkpoint may hold and what is refused, by name and before any weight is read."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.interop.borrowed import PAD, SOURCES, make, save

from weft.base.errors import ConfigError, DataError, UnsupportedError
from weft.base.padded import pad
from weft.interop.checkpoint import InMemory, equal
from weft.interop.read import read

TARGET = torch.tensor([[1, 7, 8, 40]])


@pytest.fixture(scope="module")
def theirs() -> Any:
    return make("marian")


@pytest.fixture
def folder(theirs: Any, tmp_path: Path) -> Path:
    return save(theirs, tmp_path / "checkpoint")


def edited(folder: Path, name: str = "config.json", **changes: Any) -> Path:
    """The folder with other values in a JSON file."""
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes), encoding="utf-8")
    return folder


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        return model(pad(SOURCES[:1]), TARGET)


def test_tensors_that_are_tied_are_left_out_of_files_and_not_missed(folder: Path) -> None:
    names = load_file(folder / "model.safetensors").keys()
    assert "model.shared.weight" in names
    assert "lm_head.weight" not in names
    assert read(folder).config.tie == "all"


@pytest.mark.parametrize("lone", ["lm_head.weight", "model.encoder.embed_tokens.weight"])
def test_any_one_of_what_is_tied_is_enough(folder: Path, lone: str) -> None:
    tensors = load_file(folder / "model.safetensors")
    wanted = logits(read(folder).model)
    tensors[lone] = tensors.pop("model.shared.weight")
    save_file(tensors, folder / "model.safetensors")
    assert torch.equal(logits(read(folder).model), wanted)


def test_a_file_that_repeats_what_is_tied_is_one_table(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    save_file(tensors | {"lm_head.weight": tensors["model.shared.weight"].clone()}, folder / "model.safetensors")
    assert read(folder).config.tie == "all"


def test_a_projection_of_its_own_wins_over_a_tie(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    own = tensors["model.shared.weight"] + 1
    save_file(tensors | {"lm_head.weight": own}, folder / "model.safetensors")
    ours = read(folder)
    assert ours.config.tie == "embeddings"
    assert torch.equal(ours.model.out.projection.weight, own)


def test_a_bias_of_zeros_is_none(folder: Path) -> None:
    assert read(folder).config.logits_bias
    tensors = load_file(folder / "model.safetensors")
    tensors["final_logits_bias"].zero_()
    save_file(tensors, folder / "model.safetensors")
    assert not read(folder).config.logits_bias
    del tensors["final_logits_bias"]
    save_file(tensors, folder / "model.safetensors")
    assert not read(folder).config.logits_bias


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_files_of_other_number_types_load(theirs: Any, folder: Path, dtype: torch.dtype) -> None:
    tensors = {name: value.to(dtype) for name, value in load_file(folder / "model.safetensors").items()}
    save_file(tensors, folder / "model.safetensors")
    ours = read(folder)
    weight = ours.model.encoder.layers[0].feedforward.sublayer.inner.weight
    assert weight.dtype is torch.float32
    assert torch.equal(weight, tensors["model.encoder.layers.0.fc1.weight"].float())
    kept = read(folder, dtype=dtype).model
    assert {parameter.dtype for parameter in kept.parameters()} == {dtype}
    assert torch.equal(kept.encoder.layers[0].feedforward.sublayer.inner.weight.float(), weight)


def test_shards_load(theirs: Any, folder: Path, tmp_path: Path) -> None:
    shards = save(theirs, tmp_path / "shards", max_shard_size="20KB")
    assert len(list(shards.glob("*.safetensors"))) > 2
    assert torch.equal(logits(read(shards).model), logits(read(folder).model))


def test_a_lost_shard_and_a_shard_without_its_tensor_are_named(theirs: Any, tmp_path: Path) -> None:
    shards = save(theirs, tmp_path / "shards", max_shard_size="20KB")
    index = json.loads((shards / "model.safetensors.index.json").read_text("utf-8"))["weight_map"]
    name = index["model.encoder.layers.0.fc1.weight"]
    other = next(shard for shard in index.values() if shard != name)
    (shards / name).rename(shards / "gone")
    with pytest.raises(DataError, match=name):
        read(shards)
    (shards / name).write_bytes((shards / other).read_bytes())
    with pytest.raises(DataError, match=r"model-0000\d-.*wanted .*, as model.safetensors.index.json says"):
        read(shards)


def test_an_index_that_leaves_its_folder_is_refused(theirs: Any, tmp_path: Path) -> None:
    shards = save(theirs, tmp_path / "shards", max_shard_size="20KB")
    edited(shards, "model.safetensors.index.json", weight_map={"model.shared.weight": "../model.safetensors"})
    with pytest.raises(DataError, match=r"wanted files beside the index, got '../model.safetensors'"):
        read(shards)


def test_pickles_are_refused_unless_asked_for(theirs: Any, folder: Path) -> None:
    wanted = logits(read(folder).model)
    (folder / "model.safetensors").unlink()
    torch.save(theirs.state_dict(), folder / "pytorch_model.bin")
    with pytest.raises(UnsupportedError, match=f"weft convert --pickle {folder} TARGET"):
        read(folder)
    torch.testing.assert_close(logits(read(folder, pickle=True).model), wanted, rtol=0, atol=0)


def test_shards_of_pickles_are_read_and_a_lost_one_is_named(theirs: Any, folder: Path) -> None:
    wanted = logits(read(folder).model)
    (folder / "model.safetensors").unlink()
    found, shards = theirs.state_dict(), ("pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin")
    places = {name: shards[number % 2] for number, name in enumerate(found)}
    for shard in shards:
        torch.save({name: value for name, value in found.items() if places[name] == shard}, folder / shard)
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": places}), "utf-8")
    torch.testing.assert_close(logits(read(folder, pickle=True).model), wanted, rtol=0, atol=0)
    (folder / shards[1]).unlink()
    with pytest.raises(DataError, match=rf"{shards[1]}: wanted this shard, as pytorch_model.bin.index.json says, got"):
        read(folder, pickle=True)


def test_tensors_of_a_pickle_are_compared_in_blocks_as_those_of_a_file() -> None:
    whole = torch.arange(5.0).repeat(3, 1 << 19).view(-1, 5 << 10)  # more numbers than a block
    other = whole.clone()
    other[-1, -1] += 1
    assert equal(("one", InMemory(whole)), ("other", InMemory(whole.clone())))
    assert not equal(("one", InMemory(whole)), ("other", InMemory(other)))


def test_a_pickle_that_would_run_something_is_refused(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save({"model.shared.weight": Path("/")}, folder / "pytorch_model.bin")
    with pytest.raises(DataError, match="wanted tensors alone, got"):
        read(folder, pickle=True)


def test_no_weights_at_all(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    with pytest.raises(DataError, match=r"wanted model.safetensors or model.safetensors.index.json, got neither"):
        read(folder)


def test_a_truncated_file_names_the_first_tensor_lost(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"cut off: \S+ wants bytes up to \d+, the file ends at \d+"):
        read(folder)


def test_a_truncated_shard_is_named_with_the_first_tensor_lost(theirs: Any, tmp_path: Path) -> None:
    shards = save(theirs, tmp_path / "shards", max_shard_size="20KB")
    last = sorted(shards.glob("*.safetensors"))[-1]
    last.write_bytes(last.read_bytes()[:-50])
    with pytest.raises(DataError, match=rf"{last.name}: cut off: \S+ wants bytes up to \d+, the file ends at \d+"):
        read(shards)


def test_a_file_that_goes_on_behind_its_end(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(DataError, match=r"wanted \d+ bytes, as its header says, got \d+; it is damaged"):
        read(folder)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 a zip", b"\x10" + b"\0" * 7 + b"{}", b"\xff" * 64])
def test_a_file_that_is_something_else(folder: Path, content: bytes) -> None:
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(DataError, match="wanted safetensors, got another kind of file or a cut header"):
        read(folder)


def test_missing_extra_and_misshapen_tensors_are_named(folder: Path) -> None:
    path = folder / "model.safetensors"
    whole = load_file(path)
    name = "model.decoder.layers.1.fc2.bias"
    save_file({key: value for key, value in whole.items() if key != name}, path)
    with pytest.raises(DataError, match=f"1 tensors are missing \\({name}\\)"):
        read(folder)
    save_file(whole | {"model.decoder.layers.1.fc9.bias": whole[name].clone()}, path)
    with pytest.raises(DataError, match=r"1 tensors are unexpected \(model.decoder.layers.1.fc9.bias\)"):
        read(folder)
    save_file(whole | {name: whole[name][:-1].clone()}, path)
    with pytest.raises(DataError, match=rf"{name} \[23\] should make \[24\]"):
        read(folder)
    save_file({key: value for key, value in whole.items() if key != "model.shared.weight"}, path)
    with pytest.raises(DataError, match=r"wanted model.encoder.embed_tokens.weight or .*, got neither"):
        read(folder)


def test_whole_numbers_are_no_weights(folder: Path) -> None:
    path = folder / "model.safetensors"
    whole = load_file(path)
    name = "model.decoder.layers.1.fc2.bias"
    save_file(whole | {name: whole[name].to(torch.int32)}, path)
    with pytest.raises(DataError, match=f"{name} wants one of F64, F32, F16, BF16, got I32"):
        read(folder)


@pytest.mark.parametrize("model_type", ["llama", "nllb-moe", None, 7])
def test_a_family_that_weft_does_not_read(folder: Path, model_type: Any) -> None:
    (folder / "model.safetensors").unlink()  # it is not looked at
    with pytest.raises(UnsupportedError, match=rf"which are bart, .*umt5, .*whisper, got {model_type!r}"):
        read(edited(folder, model_type=model_type))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"normalize_before": True}, r"normalize_before: input should be False, got True"),
        ({"activation_function": "mish"}, r"activation_function: wanted one of relu, .*, got 'mish'"),
        ({"encoder_layers": "six"}, r"encoder_layers: .*got 'six'"),
        (
            {"use_sparse_attention": True},
            r"unknown key use_sparse_attention True, which weft cannot honour; if it .* --ignore use_sparse_attention",
        ),
        ({"d_modle": 24}, r"unknown key d_modle 24, which weft cannot honour; did you mean d_model"),
        ({"hidden_size": 25}, r"hidden_size 25 contradicts d_model 24"),
        ({"decoder_attention_heads": 5}, r"decoder_attention_heads 5 does not divide d_model 24; correct one"),
        ({"encoder_attention_heads": 0}, r"encoder_attention_heads: .*got 0"),
        ({"tie_encoder_decoder": True}, r"tie_encoder_decoder: input should be False, got True"),
        ({"eos_token_id": 999}, r"eos_token_id wants a token below the vocabulary size 53, got 999"),
        ({"eos_token_id": None}, r"wanted eos_token_id, got none"),
    ],
)
def test_fields_that_weft_cannot_honour_are_named(folder: Path, changes: dict[str, Any], message: str) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "generation_config.json").unlink()
    with pytest.raises(ConfigError, match=message):
        read(edited(folder, **changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"repetition_penalty": 1.3}, r"repetition_penalty: input should be 1, got 1.3"),
        ({"length_penalty": -1.0}, r"length_penalty: .*got -1.0"),
        ({"num_beam_groups": 2}, r"num_beam_groups: input should be 1, got 2"),
        ({"do_sample": True}, r"do_sample: input should be False, got True"),
        ({"contrastive": 1}, r"unknown key contrastive 1"),
        ({"eos_token_id": [2, 3]}, r"eos_token_id: .*got \[2, 3\]"),
        ({"forced_eos_token_id": 7}, r"forced_eos_token_id must be eos_token_id 2, got 7"),
        ({"forced_bos_token_id": 99}, r"forced_bos_token_id wants a token below the vocabulary size 53, got 99"),
        ({"bad_words_ids": [[7, 53]]}, r"bad_words_ids wants a token below the vocabulary size 53, got 53"),
        ({"min_length": 30, "max_length": 20}, r"shortest text of 30 tokens is longer than the longest of 19"),
        ({"max_length": 1}, r"max_length: .*got 1"),
    ],
)
def test_ways_to_search_that_weft_cannot_honour_are_named(folder: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read(edited(folder, "generation_config.json", **changes))


def test_a_field_may_be_passed_over_when_asked(folder: Path) -> None:
    edited(folder, use_sparse_attention=True)
    edited(folder, "generation_config.json", repetition_penalty=1.3)
    assert read(folder, ignore=["use_sparse_attention", "repetition_penalty"]).config.width == 24


def test_what_says_nothing_is_passed_over(folder: Path) -> None:
    wanted = read(folder).search
    edited(folder, use_sparse_attention=None, tie_encoder_decoder=False)
    edited(folder, "generation_config.json", contrastive=None, suppress_tokens=[53, -1], begin_suppress_tokens=[99])
    assert read(folder).search == wanted


def test_files_of_umt5_say_what_nobody_reads(tmp_path: Path) -> None:
    folder = save(make("umt5"), tmp_path / "umt5")
    wanted = read(folder).config
    assert read(edited(folder, scalable_attention=True)).config == wanted
    with pytest.raises(ConfigError, match="scalable_attention: input should be True, got False"):
        read(edited(folder, scalable_attention=False))


def test_old_checkpoints_say_in_config_json_how_they_are_searched(folder: Path) -> None:
    (folder / "generation_config.json").unlink()
    edited(folder, num_beams=6, bad_words_ids=[[PAD]], max_length=33)
    found = read(folder).search
    assert (found.beam, found.banned, found.max_length) == (6, (PAD,), 32)


@pytest.mark.parametrize("content", ["", "[]", "{"])
def test_a_configuration_that_is_none(folder: Path, content: str) -> None:
    (folder / "config.json").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"config.json: wanted (JSON, got|a JSON object, got list)"):
        read(folder)


@pytest.mark.parametrize("half", ["encoder", "decoder"])
def test_positions_in_a_file_are_those_that_are_computed(folder: Path, half: str) -> None:
    path, name = folder / "model.safetensors", f"model.{half}.embed_positions.weight"
    whole, theirs = load_file(path), make("marian").state_dict()[name]
    save_file(whole | {name: theirs.bfloat16()}, path)
    assert read(folder).config.position == "sinusoidal"
    save_file(whole | {name: theirs.flip(0)}, path)
    with pytest.raises(DataError, match=f"{name}: wanted the sinusoids that config.json describes, got others"):
        read(folder)


MEASURE = """
import sys
from pathlib import Path
from weft.interop.checkpoint import InMemory, equal
from weft.interop.read import read
def peak():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) * 1024
read(Path(sys.argv[2]))
before = peak()
model = read(Path(sys.argv[1]))
print(peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read where Linux tells it")
def test_loading_takes_little_more_memory_than_the_file(folder: Path, tmp_path: Path) -> None:
    large = save(make("marian", vocab_size=120_003, d_model=96), tmp_path / "large")
    size = (large / "model.safetensors").stat().st_size
    assert size > 40e6
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(large), str(folder)], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 1.3 * size
