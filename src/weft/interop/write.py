"""A weft model as a Hugging Face folder: the way out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from weft.interop import out_config
from weft.interop.checkpoint import CONFIG, GENERATION, WEIGHTS
from weft.interop.forms import form
from weft.interop.out_card import card
from weft.interop.out_tokenizer import own_tokenizer, special_ids, write_tokenizer
from weft.interop.out_weights import tensors, warn_of_dropped
from weft.store.folder import CARD, StoredModel
from weft.store.tensors import write_tensors


def write(stored: StoredModel, folder: Path) -> None:
    """Fills an empty folder with what `transformers` loads: weights (float32), configuration, tokenizer and card.

    Raises UnsupportedError, before anything is written, that names what no family has. What only reports know of is
    left out with a warning.
    """
    config, specials = stored.config.model, special_ids(stored)
    taken = form(config, pad=specials.pad)
    warn_of_dropped(stored.model)
    write_tensors(folder / WEIGHTS, tensors(stored.model, config, taken), metadata={"format": "pt"})
    _write_json(folder / CONFIG, out_config.fields(config, taken, specials))
    _write_json(folder / GENERATION, out_config.generation(stored.config.search, config, specials))
    pairs, longest = stored.config.languages, out_config.positions(config)
    write_tokenizer(own_tokenizer(stored), folder, pairs=pairs, longest=longest)
    (folder / CARD).write_text(card(stored, taken), encoding="utf-8")


def _write_json(path: Path, data: dict[str, Any]) -> None:
    path.write_text(json.dumps(data, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
