from __future__ import annotations

import errno
import json
import resource
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from weft.base.errors import ConfigError, DataError
from weft.base.padded import pad
from weft.data.tokenizer import Tokenizer
from weft.models.build import build
from weft.store.config import LanguagePair, StoredConfig
from weft.store.folder import build_empty, load, save
from weft.store.weights import quantise

CARD = "# A model of two sentences\n\nTrained on nothing, for tests. Élan.\n"


def logits(model: nn.Module) -> torch.Tensor:
    source, target = pad([[5, 7, 11, 13, 2], [17, 19, 2]]), torch.tensor([[3, 5, 7], [4, 11, 13]])
    with torch.no_grad():
        result: torch.Tensor = model(source, target)
    return result


def edit_config(folder: Path, change: Callable[[dict], None]) -> None:  # type: ignore[type-arg]
    path = folder / "config.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    change(data)
    path.write_text(json.dumps(data), encoding="utf-8")


def edit_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> None:
    """Other weights, with a checksum that does not give them away."""
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")
    edit_config(folder, lambda data: data["checksums"].clear())


def test_what_is_saved_is_what_is_loaded(
    folder: Path, model: nn.Module, tokenizer: Tokenizer, config: StoredConfig
) -> None:
    stored = load(folder)
    assert torch.equal(logits(stored.model), logits(model))
    assert stored.card == CARD
    assert stored.tokenizer.fingerprint == tokenizer.fingerprint
    assert stored.config.model_copy(update={"checksums": {}}) == config
    assert stored.folder == folder
    assert not stored.model.training
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "config.json",
        "model.safetensors",
        "tokenizer.json",
    ]


@pytest.mark.parametrize(("tie", "tables"), [("all", 1), ("target", 2), ("none", 3)])
def test_tied_weights_are_stored_once_and_load_tied(
    tmp_path: Path, tokenizer: Tokenizer, config: StoredConfig, tie: str, tables: int
) -> None:
    config = config.model_copy(update={"model": config.model.model_copy(update={"tie": tie})})
    model = build(config.model).eval()
    save(tmp_path / "tied", model, tokenizer, config, CARD)
    sizes = [tensor.shape[0] for tensor in load_file(tmp_path / "tied" / "model.safetensors").values()]
    assert sizes.count(tokenizer.vocabulary_size) == tables
    loaded = load(tmp_path / "tied").model
    assert torch.equal(logits(loaded), logits(model))
    assert [name for name, _ in loaded.named_parameters()] == [name for name, _ in model.named_parameters()]


def test_loading_leaves_the_random_state_alone_and_parameters_can_be_trained(folder: Path) -> None:
    before = torch.random.get_rng_state()
    loaded = load(folder).model
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(parameter.requires_grad and parameter.is_leaf for parameter in loaded.parameters())


@pytest.mark.parametrize("position", ["sinusoidal", "learned", "rotary"])
def test_tables_that_are_not_stored_are_there_after_loading(
    tmp_path: Path, tokenizer: Tokenizer, config: StoredConfig, position: str
) -> None:
    shape = {"position": position, "key_width": 12, "value_width": 11}
    config = config.model_copy(update={"model": config.model.model_copy(update=shape)})
    model = build(config.model).eval()
    save(tmp_path / position, model, tokenizer, config, CARD)
    assert torch.equal(logits(load(tmp_path / position).model), logits(model))


def test_an_empty_model_has_the_shapes_and_buffers_of_a_built_one(config: StoredConfig) -> None:
    empty, built = build_empty(config.model), build(config.model)
    shapes = [(name, parameter.shape) for name, parameter in built.named_parameters()]
    assert [(name, parameter.shape) for name, parameter in empty.named_parameters()] == shapes
    for (name, buffer), (other, wanted) in zip(empty.named_buffers(), built.named_buffers(), strict=True):
        assert name == other
        assert torch.equal(buffer, wanted)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_parameters_load_in_the_type_asked_for(folder: Path, dtype: torch.dtype) -> None:
    assert {parameter.dtype for parameter in load(folder, dtype=dtype).model.parameters()} == {dtype}


def test_bfloat16_storage_rounds_each_value_once(
    tmp_path: Path, model: nn.Module, tokenizer: Tokenizer, config: StoredConfig
) -> None:
    written = save(tmp_path / "half", model, tokenizer, config, CARD, dtype="bfloat16")
    assert written.weights == "bfloat16"
    loaded = dict(load(tmp_path / "half").model.named_parameters())
    for name, parameter in model.named_parameters():
        assert loaded[name].dtype is torch.float32
        assert torch.equal(loaded[name], parameter.bfloat16().float())


def test_int8_storage_rounds_matrices_by_row_and_keeps_vectors(
    tmp_path: Path, model: nn.Module, tokenizer: Tokenizer, config: StoredConfig
) -> None:
    save(tmp_path / "full", model, tokenizer, config, CARD)
    save(tmp_path / "byte", model, tokenizer, config, CARD, dtype="int8")
    stored = load(tmp_path / "byte")
    assert stored.config.weights == "int8"
    loaded = dict(stored.model.named_parameters())
    for name, parameter in model.named_parameters():
        if parameter.ndim == 2:
            half = parameter.detach().abs().amax(1, keepdim=True) / 127 / 2
            assert ((loaded[name] - parameter).abs() <= half * 1.001).all()
        else:
            assert torch.equal(loaded[name], parameter)
    assert torch.allclose(logits(stored.model), logits(model), atol=0.05)
    sizes = [(tmp_path / name / "model.safetensors").stat().st_size for name in ("byte", "full")]
    assert sizes[0] < sizes[1] * 0.45


def test_quantised_rows_of_zeros_stay_zero() -> None:
    matrix, scale = quantise(torch.tensor([[0.0, 0.0], [1.0, -254.0]]))
    assert matrix.tolist() == [[0, 0], [0, -127]]
    assert scale.tolist() == [1.0, 2.0]


def test_fingerprint_follows_weights_and_shape_but_not_the_card(
    tmp_path: Path, folder: Path, model: nn.Module, tokenizer: Tokenizer, config: StoredConfig
) -> None:
    first = load(folder).fingerprint
    save(tmp_path / "card", model, tokenizer, config, "another card")
    assert load(tmp_path / "card").fingerprint == first
    with torch.no_grad():
        next(model.parameters())[0, 0] += 1
    save(tmp_path / "weights", model, tokenizer, config, CARD)
    assert load(tmp_path / "weights").fingerprint != first


def test_saving_again_replaces_the_model(
    folder: Path, model: nn.Module, tokenizer: Tokenizer, config: StoredConfig
) -> None:
    with torch.no_grad():
        next(model.parameters()).zero_()
    save(folder, model, tokenizer, config, "new")
    assert load(folder).card == "new"
    assert torch.equal(logits(load(folder).model), logits(model))
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


@pytest.mark.parametrize(
    "file", ["store.folder.write_weights", "data.tokenizer.Tokenizer.save", "store.folder.StoredConfig.to_json"]
)
def test_a_full_disk_leaves_the_last_good_model(
    folder: Path,
    model: nn.Module,
    tokenizer: Tokenizer,
    config: StoredConfig,
    monkeypatch: pytest.MonkeyPatch,
    file: str,
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    before = logits(load(folder).model)
    with monkeypatch.context() as patch:
        patch.setattr(f"weft.{file}", full)
        with torch.no_grad():
            next(model.parameters()).zero_()
        with pytest.raises(DataError, match=r"two: wanted to write a model, got: .*No space left.*; make room"):
            save(folder, model, tokenizer, config, CARD)
    assert torch.equal(logits(load(folder).model), before)
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_a_write_that_the_system_cuts_off_leaves_the_last_good_model(
    folder: Path, model: nn.Module, tokenizer: Tokenizer, config: StoredConfig
) -> None:
    before = load(folder).fingerprint
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, limits[1]))  # Python ignores SIGXFSZ: writes fail instead
    try:
        with pytest.raises(DataError, match="wanted to write a model"):
            save(folder, model, tokenizer, config, CARD)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert load(folder).fingerprint == before
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_saving_refuses_a_folder_that_holds_other_things(
    tmp_path: Path, model: nn.Module, tokenizer: Tokenizer, config: StoredConfig
) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"also holds thesis\.txt; saving would delete them: choose another folder"):
        save(tmp_path, model, tokenizer, config, CARD)
    with pytest.raises(ConfigError, match="wanted a folder for a model, got a file; choose another name"):
        save(tmp_path / "thesis.txt", model, tokenizer, config, CARD)
    assert (tmp_path / "thesis.txt").read_text(encoding="utf-8") == "years of work"


def test_a_truncated_file_is_refused(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-101])
    with pytest.raises(DataError, match=r"model\.safetensors: damaged, truncated or of another model: wanted SHA-256"):
        load(folder)
    edit_config(folder, lambda data: data["checksums"].clear())
    with pytest.raises(
        DataError, match=r"wanted safetensors, got a damaged file \(.*\); fetch or save the model again"
    ):
        load(folder)


def test_a_flipped_bit_is_noticed(folder: Path) -> None:
    weights = folder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-5] ^= 1
    weights.write_bytes(content)
    with pytest.raises(DataError, match="damaged, truncated or of another model"):
        load(folder)


def test_missing_files_are_named(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    with pytest.raises(
        DataError, match=r"tokenizer\.json: wanted a file of a model, got: No such file.*; fetch or save"
    ):
        load(folder)


def test_missing_weights_are_named(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    with pytest.raises(DataError, match=r"model\.safetensors: wanted a file of a model, got: No such file"):
        load(folder)


def test_foreign_tensors_are_named_with_the_nearest(folder: Path) -> None:
    def rename(tensors: dict[str, torch.Tensor]) -> None:
        tensors["encoder.norm.weights"] = tensors.pop("encoder.norm.weight")

    edit_weights(folder, rename)
    wanted = (
        r"1 tensors are missing \(encoder\.norm\.weight\), "
        r"1 tensors are unexpected \(encoder\.norm\.weights; did you mean encoder\.norm\.weight\?\); these weights"
    )
    with pytest.raises(DataError, match=wanted):
        load(folder)


def test_wrong_shapes_are_named(folder: Path) -> None:
    edit_weights(folder, lambda tensors: tensors.update({"encoder.norm.weight": torch.ones(23)}))
    with pytest.raises(DataError, match=r"1 shapes are wrong \(encoder\.norm\.weight wants \[22\], got \[23\]\)"):
        load(folder)


def test_a_tokenizer_of_another_model_is_refused(folder: Path) -> None:
    Tokenizer.train(["abc"], vocabulary_size=261, languages=["fr", "es"]).save(folder)
    edit_config(folder, lambda data: data["checksums"].clear())
    with pytest.raises(DataError, match=r"wanted 28\d tokens, as the model has, got 261; this tokenizer belongs to"):
        load(folder)


def test_languages_without_a_tag_are_refused(
    tmp_path: Path, model: nn.Module, tokenizer: Tokenizer, config: StoredConfig
) -> None:
    config = config.model_copy(update={"languages": (LanguagePair(from_="en", to="hi"),)})
    wanted = "wanted tags for the target languages hi, got tags for fr, es; correct the languages"
    with pytest.raises(DataError, match=wanted):
        save(tmp_path / "hindi", model, tokenizer, config, CARD)


def test_a_model_without_a_card_loads(folder: Path) -> None:
    (folder / "README.md").unlink()
    assert load(folder).card == ""
