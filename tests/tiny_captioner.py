"""A tiny captioner that has learnt nothing: it reads pictures of 12 x 18 pixels and writes any bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from weft.alignment.settings import AlignmentSettings
from weft.data.image import Image
from weft.data.pixels import Pixels
from weft.data.scene_pictures import picture
from weft.data.scenes import scene
from weft.data.tokenizer import Tokenizer
from weft.models.build import build
from weft.models.config import ModelConfig
from weft.models.source import Picture
from weft.store.config import LanguagePair, SearchDefaults, StoredConfig
from weft.store.folder import save

HEIGHT, WIDTH, PATCH = 12, 18, 6
ROWS, COLUMNS = HEIGHT // PATCH, WIDTH // PATCH


def save_captioner(
    folder: Path, *, seed: int = 5, languages: tuple[str, ...] = ("en",), pixels: Pixels | None = None, **more: object
) -> Path:
    """Its folder. Every `more` is a key of the model's shape."""
    tokenizer = Tokenizer.train(["a red star", "a blue cross"] * 3, vocabulary_size=291, languages=languages)
    source = Picture(modality="picture", height=HEIGHT, width=WIDTH, patch_height=PATCH, patch_width=PATCH)
    shape = {"source": source, "width": 24, "num_heads": 2, "feedforward_width": 29, "encoder_layers": 1}
    config = StoredConfig(
        model=ModelConfig.model_validate(
            {**shape, "decoder_layers": 2, "vocabulary_size": tokenizer.vocabulary_size, "dropout": 0.0, **more}
        ),
        languages=tuple(LanguagePair(from_="picture", to=language) for language in languages),
        alignment=AlignmentSettings(layer=1, heads=(1,), shift=False),
        pixels=pixels or Pixels(size=(HEIGHT, WIDTH)),
        search=SearchDefaults(beam=2, max_length_ratio=0, max_length_offset=9),
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = build(config.model).eval()
        for parameter in model.parameters():  # lively, so that pictures differ
            parameter.data.mul_(1.7)
    save(folder, model, tokenizer, config, "# A captioner of nothing\n")
    return folder


def scenes(count: int, *, side: int = 23) -> list[Image]:
    """Drawn pictures, all different."""
    return [np.ascontiguousarray(picture(scene(3, number), side=side)) for number in range(count)]
