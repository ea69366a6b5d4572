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
    bleu, _ = _scorers()
    bleus, _ = bleu.compute_score(*_by_number(captions, references), verbose=0)
    each = cider_of_each(captions, references)
    return {f"bleu{n}": 100 * float(value) for n, value in enumerate(bleus, start=1)} | {"cider": sum(each) / len(each)}


def cider_of_each(captions: Sequence[str], references: Sequence[Sequence[str]]) -> list[float]:
    """The CIDEr-D of each caption; how rare words are is counted over the references of all of them."""
    _, cider = _scorers()
    return [float(score) for score in cider.compute_score(*_by_number(captions, references))[1]]


def _by_number(captions: Sequence[str], references: Sequence[Sequence[str]]) -> tuple[dict[int, list[str]], ...]:
    """References and captions as the scorers take them."""
    wanted = {number: [words(text) for text in texts] for number, texts in enumerate(references)}
    return wanted, {number: [words(caption)] for number, caption in enumerate(captions)}


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
