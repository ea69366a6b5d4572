"""One small tokenizer for all tests of this room."""

from __future__ import annotations

import pytest

from weft.data.tokenizer import Tokenizer

_SENTENCES = [
    "The big red dog sleeps.",
    "L'homme n'a pas vu l'eau, aujourd'hui.",
    "Don't you see Tom's dog? I don't.",
    "Une fille aux cheveux blonds est venue te voir.",
    "Öl für 1984 Gläser, %s und {name}!",
    "http://example.org/a?b=c <pad> <2fr> </s>",
    "Cet été, j'étais là : voilà.",
    "हिन्दी में लिखा है।",
]


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return Tokenizer.train(_SENTENCES * 7, vocabulary_size=431, languages=["fr", "es", "zh-Hant"])
