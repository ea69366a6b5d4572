"""Every impossible setting is refused, with what to do."""

from __future__ import annotations

import pytest

from weft.base.errors import ConfigError
from weft.generation.settings import Sampling, SearchSettings


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"beam": 0}, "beam must be at least 1, got 0; 1 is greedy search"),
        ({"nbest": 0}, "nbest must be at least 1, got 0; 1 asks for the best hypothesis alone"),
        ({"beam": 3, "nbest": 5}, "nbest must be at most beam = 3, got 5; set beam to 5 or more"),
        ({"length_penalty": -0.1}, "length_penalty must be 0 or more, got -0.1; 0 ranks by the plain sum"),
        ({"length_penalty": float("nan")}, "length_penalty must be 0 or more, got nan"),
        ({"min_length": -1}, "min_length must be 0 or more, got -1; 0 asks for nothing"),
        ({"max_length": 0}, "max_length must be at least 1, got 0; </s> alone is 1 long"),
        ({"min_length": 7, "max_length": 5}, "min_length must be at most max_length = 5, got 7; lower it or raise"),
        ({"max_length_ratio": -1.0}, "max_length_ratio must be 0 or more, got -1.0; 2.0 is usual"),
        ({"max_length_offset": -1}, "max_length_offset must be 0 or more, got -1; 20 is usual"),
        ({"no_repeat_ngram": -1}, "no_repeat_ngram must be 0 or more, got -1; 0 switches it off"),
    ],
)
def test_impossible_searches(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        SearchSettings(**wrong)
    assert str(raised.value).startswith(message)


@pytest.mark.parametrize("name", ["beam", "nbest", "min_length", "max_length_offset", "no_repeat_ngram"])
def test_counts_are_whole_numbers(name: str) -> None:
    settings = SearchSettings()
    object.__setattr__(settings, name, 2.5)  # the types of what a test gives are looked at before
    with pytest.raises(ConfigError, match=f"{name} must be a whole number, got 2.5; leave out"):
        settings.__post_init__()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"temperature": 0.0}, "temperature must be above 0, got 0.0; for greedy use beam=1"),
        ({"top_k": -1}, "top_k must be 0 (off) or more, got -1; give the number of tokens to draw from"),
        ({"top_p": 0.0}, "top_p must be in (0, 1], got 0.0; 1 switches it off"),
        ({"top_p": 1.1}, "top_p must be in (0, 1], got 1.1; 1 switches it off"),
    ],
)
def test_impossible_sampling(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        Sampling(**wrong)
    assert str(raised.value) == message


def test_more_samples_than_beam_are_fine() -> None:
    assert SearchSettings(beam=1, nbest=7, sampling=Sampling()).nbest == 7
