"""BLEU-1 to 4 and CIDEr of captions, as pycocoevalcap counts them, over words that need no Java to be found."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

from weft.base.errors import UnsupportedError

TOKENIZER = "lower-case, punctuation dropped, white space"
"""How `words` cuts a caption; named beside every score."""


def words(text: str) -> str:
    """The words of a caption, a space between them."""
    plain = "".join(" " if unicodedata.category(letter)[0] in "PS" else letter for letter in text.lower())
    return " ".join(plain.split())


def caption_scores(captions: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
    """`bleu1` to `bleu4` in percent, and `cider` (CIDEr-D, Vedantam et al. 2015: 1.0 is a very good system).

    Every picture has one caption and any number of references. Raises UnsupportedError without pycocoevalcap.
    """
    bleu, cider = _scorers()
    said = {number: [words(caption)] for number, caption in enumerate(captions)}
    wanted = {number: [words(text) for text in texts] for number, texts in enumerate(references)}
    bleus, _ = bleu.compute_score(wanted, said, verbose=0)
    return {f"bleu{n}": 100 * float(value) for n, value in enumerate(bleus, start=1)} | {
        "cider": float(cider.compute_score(wanted, said)[0])
    }


def _scorers() -> tuple[Any, Any]:
    try:
        from pycocoevalcap.bleu.bleu import Bleu
        from pycocoevalcap.cider.cider import Cider
    except ImportError as error:
        raise UnsupportedError(
            'scores of captions want pycocoevalcap, which is not installed: pip install "weft[captions]"; or choose '
            'training.metric = "loss"'
        ) from error
    return Bleu(4), Cider()
