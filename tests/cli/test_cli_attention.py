"""`weft translate --attention`: how sources are read, what was left out, and what is refused."""

from __future__ import annotations

from typing import Any


def test_what_attention_left_out_is_said_beside_the_translation(weft: Any) -> None:
    plain = weft("translate", "the red dog sleeps.", "--to", "fr", "--model", "two")
    result = weft("translate", "the red dog sleeps.", "--to", "fr", "--model", "two", "--attention", "pages")
    assert (result.exit_code, result.stdout) == (0, plain.stdout)
    assert result.stderr.startswith("weft: attention left out at most 0 of a query's weight; 0 of ")
    quiet = weft("translate", "a", "--to", "fr", "--model", "two", "--attention", "pages", "--quiet")
    assert quiet.stderr == ""


def test_attention_that_is_none_and_tolerances_for_nobody_are_refused(weft: Any) -> None:
    result = weft("translate", "a", "--to", "fr", "--model", "two", "--attention", "page")
    assert result.exit_code != 0
    assert "must be one of dense, chunked, pages, top-k, top-k-shared, window, auto, got 'page'" in result.stderr
    result = weft("translate", "a", "--to", "fr", "--model", "two", "--tolerance", "0.1")
    assert result.exit_code != 0
    assert "a tolerance wants attention 'pages' or 'auto', got None" in result.stderr


def test_an_encoder_with_a_window_translates(weft: Any) -> None:
    plain = weft("translate", "the red dog sleeps.", "--to", "fr", "--model", "two")
    result = weft("translate", "the red dog sleeps.", "--to", "fr", "--model", "two", "--encoder-window", "60")
    assert (result.exit_code, result.stdout, result.stderr) == (0, plain.stdout, "")
    result = weft("translate", "a", "--to", "fr", "--model", "two", "--encoder-window", "-1")
    assert result.exit_code == 2
