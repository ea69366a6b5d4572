"""What cleaning drops, for which reason, and that its counts add up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from weft.data.clean import Cleaner, Cleaning


def _reasons(pairs: list[tuple[str, str]], rules: Cleaning) -> dict[str, int]:
    cleaner = Cleaner(rules)
    for source, target in pairs:
        if cleaner.accepts_text(source, target):
            cleaner.accepts_tokens(len(source), len(target))
    return {"kept": cleaner.report.kept, **cleaner.report.dropped}


@pytest.mark.parametrize(
    ("pairs", "rules", "reasons"),
    [
        ([("", "a"), ("a", " \t"), ("a", "b")], Cleaning(), {"kept": 1, "blank": 2}),
        ([("ab", "abc"), ("abc", "abd")], Cleaning(min_characters=3), {"kept": 1, "too few characters": 1}),
        ([("a" * 8, "b"), ("a" * 7, "b")], Cleaning(max_characters=7), {"kept": 1, "too many characters": 1}),
        ([("a", "b"), ("a", "b"), ("a", "c"), ("b", "a")], Cleaning(), {"kept": 3, "duplicate": 1}),
        ([("é", "b"), ("e\u0301", "b")], Cleaning(), {"kept": 1, "duplicate": 1}),
        ([("a", "b")] * 3, Cleaning(drop_duplicates=False), {"kept": 3}),
        ([("one two three", "one two three"), ("Tom Smith", "Tom Smith")], Cleaning(), {"kept": 1, "copy": 1}),
        ([("Tom", "Tom")], Cleaning(keep_short_copies=0), {"kept": 0, "copy": 1}),
        ([("a b c", "a b c")], Cleaning(drop_copies=False), {"kept": 1}),
        ([("a" * 8, "b" * 7), ("a" * 7, "b" * 7)], Cleaning(max_tokens=7), {"kept": 1, "too many tokens": 1}),
        (
            [("a" * 23, "b" * 7), ("a" * 7, "b" * 22), ("c" * 7, "d" * 21)],
            Cleaning(max_length_ratio=3, ratio_slack=0),
            {"kept": 1, "length ratio": 2},
        ),
        ([("a" * 23, "b" * 7)], Cleaning(max_length_ratio=3, ratio_slack=1), {"kept": 1}),
        ([("a" * 997, "b")], Cleaning(max_length_ratio=None, max_tokens=None), {"kept": 1}),
        ([("a" * 5003, "b" * 5003)], Cleaning(max_tokens=None, max_characters=None), {"kept": 1}),
    ],
)
def test_each_rule_drops_what_it_says(pairs: list[tuple[str, str]], rules: Cleaning, reasons: dict[str, int]) -> None:
    assert _reasons(pairs, rules) == reasons


@given(pairs=st.lists(st.tuples(st.text("ab ", max_size=11), st.text("ab ", max_size=11))))
def test_what_was_read_is_kept_or_dropped_for_one_reason(pairs: list[tuple[str, str]]) -> None:
    cleaner = Cleaner(Cleaning(max_tokens=7, max_characters=9, min_characters=2))
    for source, target in pairs:
        if cleaner.accepts_text(source, target):
            cleaner.accepts_tokens(len(source), len(target))
    assert cleaner.report.read == len(pairs) == cleaner.report.kept + cleaner.report.dropped.total()


def test_the_report_reads_as_a_sentence() -> None:
    cleaner = Cleaner(Cleaning())
    assert str(cleaner.report) == "read 0, kept 0, dropped: none"
    for _ in range(1201):
        if cleaner.accepts_text("a", "b"):
            cleaner.accepts_tokens(1, 1)
    cleaner.accepts_text("", "")
    assert str(cleaner.report) == "read 1,202, kept 1, dropped: blank 1, duplicate 1,200"


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        Cleaning.model_validate({"max_lenght": 3})
