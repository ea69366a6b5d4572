"""Laws of composition: the text is NFC, and every code point knows where it came from."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from weft.data.compose import compose, nfc

# Letters, marks of many classes, Hangul jamo, marks that decompose, starters that compose with the one before.
_TRICKY = "aeAE éñ ̧̣́̂̃̈̀̕ 각가각 ঃোো ཱཱིུྲ̈́ ⁠Å≮≮ דּ בּ क़ क़ゔウ゛가 ڡٕٓ\u0f73\u0344\u0340\u0374\u1161\u11a8\u0dcf\u0dd9"
tricky_text = st.text(st.sampled_from(_TRICKY) | st.characters(exclude_categories=["Cs"]))


@given(tricky_text)
def test_the_text_is_nfc(text: str) -> None:
    assert compose(text).text == nfc(text) == unicodedata.normalize("NFC", text)


@given(tricky_text)
def test_each_span_composes_to_what_it_stands_for(text: str) -> None:
    composed = compose(text)
    spans = list(zip(composed.starts.tolist(), composed.ends.tolist(), strict=True))
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert spans == sorted(spans)
    for span in set(spans):
        part = "".join(c for c, other in zip(composed.text, spans, strict=True) if other == span)
        assert unicodedata.normalize("NFC", text[slice(*span)]) == part


@given(tricky_text)
def test_spans_cover_the_text(text: str) -> None:
    composed = compose(text)
    covered = {place for s, e in zip(composed.starts, composed.ends, strict=True) for place in range(s, e)}
    assert covered == set(range(len(text)))


def test_two_code_points_that_become_one_share_its_span() -> None:
    composed = compose("xe\u0301y")
    assert composed.text == "xéy"
    assert list(zip(composed.starts.tolist(), composed.ends.tolist(), strict=True)) == [(0, 1), (1, 3), (3, 4)]


@given(st.text(st.sampled_from("̧̣́͜\u0f71\u0f72\u0f74\u0e38\u09be"), min_size=65, max_size=131))
def test_long_runs_of_marks_are_sorted_as_unicode_sorts_them(marks: str) -> None:
    assert nfc("e" + marks) == unicodedata.normalize("NFC", "e" + marks)


def test_a_long_run_of_marks_takes_no_quadratic_time() -> None:
    assert len(compose("a" + "\u0301\u0327" * 50_009).text) == 2 * 50_009
