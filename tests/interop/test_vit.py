"""A pretrained ViT as the encoder of a model to be trained: its shape, its numbers, and whether it stays as it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tomli_w
import torch
from tests.interop.borrowed import enliven
from tests.interop.media import HEIGHT, PATCH, VIT, WIDTH, transformers
from tests.runs.coloured import captioner_recipe, write_pictures

from weft.base.errors import ConfigError, DataError, UnsupportedError
from weft.base.padded import Padded
from weft.base.validate import validate
from weft.data.image import cut
from weft.interop import vit
from weft.models.build import build
from weft.models.config import ModelConfig
from weft.runs.models import initial_model
from weft.runs.recipe import Recipe, as_toml, read_recipe
from weft.runs.trainer import train
from weft.store.folder import load

KINDS = {"vit": "ViTModel", "deit": "DeiTModel", "classifier": "ViTForImageClassification"}


def saved(folder: Path, kind: str = "vit") -> tuple[Any, Path]:
    """A small random model of transformers, and where it was saved."""
    config = getattr(transformers, KINDS[kind].split("Model")[0].split("For")[0] + "Config")(**VIT)
    torch.manual_seed(3)
    model = getattr(transformers, KINDS[kind])(config).eval()
    for name, parameter in model.named_parameters():
        enliven(name, parameter, 1.3)
    model.save_pretrained(folder)
    return model, folder


def recipe_file(folder: Path, borrowed: Path, *, frozen: bool, **model: Any) -> Recipe:
    """A captioner's recipe, read from a file, that borrows the encoder."""
    keys = as_toml(captioner_recipe(steps=3, metric="loss", validate_every=3))
    del keys["model"]["source"], keys["model"]["encoder_layers"], keys["data"]["pixels"]
    keys["model"] |= {"bridge": True, **model}
    keys["pretrained"] = {"encoder": str(borrowed), "frozen": frozen}
    path = folder / "recipe.toml"
    path.write_text(tomli_w.dumps(keys), encoding="utf-8")
    return read_recipe(path)


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_it_reads_pictures_as_transformers_does(kind: str, tmp_path: Path) -> None:
    theirs, folder = saved(tmp_path / "vit", kind)
    shape = {"vocabulary_size": 300, "width": 16, "num_heads": 2, "feedforward_width": 24, "decoder_layers": 1}
    model = initial_model_of(shape | vit.model_keys(folder))
    vit.fill_encoder(model.encoder, folder)
    pixels = torch.randn(2, 3, HEIGHT, WIDTH)
    inner = getattr(theirs, "vit", theirs)
    wanted = inner(pixels, interpolate_pos_encoding=False).last_hidden_state
    patches = cut(pixels, patch=(PATCH, PATCH))
    found = model.encoder(Padded(patches, torch.ones(patches.shape[:2], dtype=torch.bool))).values
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)


def initial_model_of(keys: dict[str, Any]) -> Any:
    return build(ModelConfig.model_validate({**keys, "bridge": True})).eval()


@pytest.mark.parametrize("frozen", [True, False])
def test_a_run_begins_with_it_and_leaves_it_alone_if_asked(frozen: bool, tmp_path: Path) -> None:
    pytest.importorskip("pycocoevalcap")
    write_pictures(tmp_path, count=8)
    _, folder = saved(tmp_path / "vit")
    (folder / "preprocessor_config.json").write_text(
        json.dumps({"image_processor_type": "ViTImageProcessor", "size": 8, "image_mean": [0.1, 0.2, 0.3]}), "utf-8"
    )
    recipe = recipe_file(tmp_path, folder, frozen=frozen)
    assert recipe.data.pixels.mean == (0.1, 0.2, 0.3)
    begun = initial_model(recipe, 300, init=None).state_dict()
    assert train(recipe, tmp_path / "run", data=tmp_path, device=torch.device("cpu"))
    stored = load(str(tmp_path / "run" / "last"))
    assert stored.config.pixels is not None
    assert stored.config.pixels.mean == (0.1, 0.2, 0.3)
    same = {name: torch.equal(begun[name], weight) for name, weight in stored.model.state_dict().items()}
    encoder = {name for name in same if name.startswith("encoder.")}
    assert all(same[name] for name in encoder) is frozen
    assert not same["bridge.weight"]


def test_what_it_cannot_be_is_refused(tmp_path: Path) -> None:
    _, folder = saved(tmp_path / "vit")
    with pytest.raises(ConfigError, match=r"frozen wants an encoder that was trained, got none; name its folder"):
        validate(Recipe, as_toml(captioner_recipe()) | {"pretrained": {"frozen": True}}, where="recipe")
    with pytest.raises(DataError, match=r"should make|missing"):
        initial_model(recipe_file(tmp_path, folder, frozen=True, encoder_layers=3), 300, init=None)
    (folder / "config.json").write_text('{"model_type": "swin"}', encoding="utf-8")
    with pytest.raises(
        UnsupportedError, match=r"wanted a model_type of vit or deit, got 'swin'; weft borrows no other"
    ):
        vit.model_keys(folder)
