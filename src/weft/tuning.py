"""Settings that a finished model finds out about itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from weft.alignment.choose import Choice
from weft.looking import choose_alignment
from weft.store.folder import load, save


def tune_alignment(folder: Path, pairs: Sequence[tuple[str, str, int]]) -> Choice:
    """Finds the layer and heads by which a model aligns best and writes them into its folder.

    `pairs` are source, target and tag of the target language; a few hundred are enough, and no gold links are needed.
    Raises UnsupportedError for a model without cross-attention.
    """
    stored = load(folder)
    choice = choose_alignment(
        stored.model, stored.config.model, stored.tokenizer, pairs, settings=stored.config.alignment
    )
    config = stored.config.model_copy(update={"alignment": choice.settings})
    save(folder, stored.model, stored.tokenizer, config, stored.card)
    return choice
