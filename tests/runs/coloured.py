"""Pictures of one colour and what people say of them: a corpus that a captioner learns in a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from tests.training.tiny import recipe

from weft.data.open_picture import from_array
from weft.runs.recipe import Recipe

COLOURS = {"red": (200, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 200), "grey": (128, 128, 128)}
SET = {"path": "train.tsv", "pictures": "pictures", "captions": [1, 2], "from": "picture", "to": "en", "case": "lower"}


def write_pictures(folder: Path, *, count: int = 24) -> None:
    """`train.tsv` and `dev.tsv` (4 rows): name, two captions; the pictures themselves in `pictures`."""
    (folder / "pictures").mkdir()
    generator = np.random.default_rng(5)
    for name, rows in {"train": count, "dev": 4}.items():
        lines = []
        for number in range(rows):
            colour = list(COLOURS)[number % len(COLOURS)]
            values = np.array(COLOURS[colour]) + generator.integers(-20, 20, (11, 13, 3))
            from_array(values.astype(np.uint8)).save(folder / "pictures" / f"{name}{number}.png")
            lines.append(f"{name}{number}.png\tThe picture is {colour}.\tA {colour} one\n")
        (folder / f"{name}.tsv").write_text("".join(lines), encoding="utf-8")


def captioner_recipe(*, pixels: dict[str, Any] | None = None, **training: Any) -> Recipe:
    """A model of pictures of 8 x 8 pixels with a stem of two stages."""
    stem = [{"channels": 8, "step": 2, "blocks": 1}, {"channels": 8, "step": 2}]
    size = {"height": 8, "width": 8, "patch_height": 4, "patch_width": 4}
    return recipe(
        data={
            "train": [SET],
            "dev": [{**SET, "path": "dev.tsv"}],
            "temperature": 1.0,
            "pixels": pixels or {"augmentation": {"smallest": 0.6, "flip": 0.5, "brightness": 0.1}},
        },
        tokenizer={"dropout": 0.0},
        model={
            "dropout": 0.1,
            "source": {"modality": "picture", "class_tokens": 0, "position": "sinusoidal", "stem": stem, **size},
        },
        training={"batch_tokens": 128, "metric": "cider", **training},
        validation={"rows": 4},
        search={"beam": 2, "max_length": 12, "max_length_ratio": 1.0, "max_length_offset": 12},
    )
