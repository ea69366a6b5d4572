"""Scores of captions: words as they are cut, the ends of the scale, and figures worked out by hand."""

from __future__ import annotations

import builtins
import math
from typing import Any

import pytest

from weft.base.errors import UnsupportedError
from weft.runs.caption_scores import caption_scores, words

REFERENCES = [["A dog runs.", "The brown dog is running ."], ["Two men play guitar.", "Men with guitars!"]]


def test_words_are_in_small_letters_without_punctuation() -> None:
    assert words("A man's T-shirt , $5 ,  and CAFÉ .") == "a man s t shirt 5 and café"


def test_a_reference_scores_best_and_what_shares_no_word_nothing() -> None:
    pytest.importorskip("pycocoevalcap")
    best = caption_scores([texts[1] for texts in REFERENCES], REFERENCES)
    assert best["bleu1"] == pytest.approx(100)
    worst = caption_scores(["horse", "horse"], REFERENCES)
    assert worst["bleu1"] < 1e-3
    assert worst["cider"] == 0 < best["cider"]


def test_bleu_is_precision_times_brevity() -> None:
    """`a dog` and `men play`: all words are right, and the shortest references have 3 words each, so 6 to 4."""
    pytest.importorskip("pycocoevalcap")
    found = caption_scores(["a dog", "men play"], REFERENCES)
    assert found["bleu1"] == pytest.approx(100 * math.exp(1 - 6 / 4), rel=1e-6)
    assert found["bleu2"] == pytest.approx(100 * math.exp(1 - 6 / 4), rel=1e-6)


def test_without_the_scorers_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: Any) -> Any:
        if name.startswith("pycocoevalcap"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(UnsupportedError, match=r'pip install "weft\[captions\]"; or choose training.metric = "loss"'):
        caption_scores(["a"], [["a"]])
