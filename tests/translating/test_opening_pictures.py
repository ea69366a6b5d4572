"""Captioners of transformers: text equal to what it writes, from its own files alone, and kept as weft's own."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from tests.interop import media
from tests.interop import tokenizer_folders as folders
from tests.interop.borrowed import save, transformers
from tests.tiny_captioner import scenes

import weft
from weft.base.errors import ConfigError
from weft.store.config import ANY, LanguagePair
from weft.store.folder import save as save_stored


@pytest.fixture(scope="module")
def trocr(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A small random ViT with a small random TrOCR decoder, a processor and a byte-level tokenizer."""
    folder = tmp_path_factory.mktemp("trocr") / "checkpoint"
    folder.mkdir()
    folders.byte_level(folder)
    size = len(json.loads((folder / "vocab.json").read_text("utf-8")))
    kind, encoder, decoder = media.PICTURES["vit, trocr"]
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setitem(media.PICTURES, "vit, trocr", (kind, encoder, {**decoder, "vocab_size": size}))
        theirs = media.make("vit, trocr")
        theirs.generation_config.update(max_length=13, num_beams=3, no_repeat_ngram_size=1, _from_model_config=False)
        asked = {"height": media.HEIGHT, "width": media.WIDTH}
        transformers.ViTImageProcessorPil(size=asked).save_pretrained(folder)
        save(theirs, folder)
    return folder, theirs


def test_captions_are_equal_to_those_of_transformers(trocr: tuple[Path, Any]) -> None:
    folder, theirs = trocr
    translator = weft.load(folder)
    assert translator.languages == (LanguagePair(from_="picture", to=ANY),)
    pictures = scenes(11, side=40)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        processor = transformers.ViTImageProcessorPil.from_pretrained(folder)
        pixels = processor(images=[Image.fromarray(one) for one in pictures], return_tensors="pt").pixel_values
        tokenizer = transformers.BartTokenizer.from_pretrained(folder)
        wanted = tokenizer.batch_decode(theirs.generate(pixel_values=pixels), skip_special_tokens=True)
    found = translator.caption(pictures)
    assert [one.text for one in found] == [" ".join(text.split("\n")).strip() for text in wanted]
    assert len({one.text for one in found}) > 3


def test_it_shows_where_it_looked(trocr: tuple[Path, Any]) -> None:
    found = weft.load(trocr[0]).caption(scenes(1), explain=True)[0]
    assert found.heat is not None
    assert found.heat.shape == (len(found.words), 2, 3)


def test_it_becomes_a_model_of_wefts(trocr: tuple[Path, Any], tmp_path: Path) -> None:
    translator = weft.load(trocr[0])
    stored = translator.stored
    save_stored(tmp_path / "mine", stored.model, stored.tokenizer, stored.config, "# Borrowed\n")
    assert weft.load(tmp_path / "mine").caption(scenes(3)) == translator.caption(scenes(3))


def test_without_a_processor_nobody_knows_how_it_sees(trocr: tuple[Path, Any], tmp_path: Path) -> None:
    for path in trocr[0].iterdir():
        if path.name != "preprocessor_config.json":
            (tmp_path / path.name).symlink_to(path)
    with pytest.raises(ConfigError, match=r"preprocessor_config\.json: wanted a file of a checkpoint, got"):
        weft.load(tmp_path)
