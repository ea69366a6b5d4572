"""Translations of segments as translations of a text."""

from __future__ import annotations

import pytest
from tests.tiny import tokenizer

from weft.alignment.link import Link, Unaligned, WordAlignment
from weft.generation.settings import SearchSettings
from weft.translating.answering import Answer
from weft.translating.segments import read_source
from weft.translating.translation import Translation
from weft.translating.weaving import woven

WORDS = tokenizer()
SETTINGS = SearchSettings(beam=5, nbest=3, length_penalty=0.5)


def answer(text: str, log_probability: float, num_tokens: int, *, source: tuple[int, int] = (0, 1)) -> Answer:
    """An answer of which the first character is linked to one stretch of the source."""
    found = WordAlignment((Link(source, (0, 1), 0.75),), (Unaligned((0, 1), 0.25),))
    return Answer(text, log_probability, num_tokens, found, ())


def weave(text: str, *answers: list[Answer], align: bool = True) -> Translation:
    return woven(read_source(text, WORDS), answers, languages=("en", "fr"), search=SETTINGS, align=align)


def test_sums_and_scores_of_a_text() -> None:
    found = weave(" A b.\nC d. ", [answer("Une", -1.0, 3)], [answer("Deux", -2.0, 6)])
    assert found.text == " Une\nDeux "
    assert found.log_probability == -3.0
    assert found.score == pytest.approx(-3.0 / 9**0.5)
    assert (found.source, found.from_, found.to) == (" A b.\nC d. ", "en", "fr")


def test_spans_move_to_where_their_segments_stand() -> None:
    found = weave(" A b.\nC d. ", [answer("Une", -1.0, 3)], [answer("Deux", -2.0, 6, source=(2, 3))])
    assert found.alignment == (Link((1, 2), (1, 2), 0.75), Link((8, 9), (5, 6), 0.75))
    assert found.unaligned == (Unaligned((1, 2), 0.25), Unaligned((5, 6), 0.25))
    assert [found.source[slice(*span)] for span in found.source_words] == ["A", "b", ".", "C", "d", "."]


def test_what_is_in_no_segment_comes_from_itself() -> None:
    found = weave("**\nA b.\n🙂", [answer("Longer", -1.0, 3)])
    assert found.text == "**\nLonger\n🙂"
    stayed = [((0, 1), (0, 1)), ((1, 2), (1, 2)), ((8, 9), (10, 11))]
    links = [(link.source, link.target, link.probability) for link in found.alignment or ()]
    assert links == [(*stayed[0], 1.0), (*stayed[1], 1.0), ((3, 4), (3, 4), 0.75), (*stayed[2], 1.0)]
    assert [one.probability for one in found.unaligned or ()] == [0.0, 0.0, 0.25, 0.0]
    assert [found.source[slice(*span)] for span in found.source_words] == ["*", "*", "A", "b", ".", "🙂"]


def test_the_first_is_the_best_of_each_and_the_next_the_second_of_each() -> None:
    first = [answer("a", -1.0, 2), answer("b", -9.0, 90), answer("c", -3.0, 2)]  # b has the best score: it was cut
    second = [answer("x", -1.0, 2), answer("y", -2.0, 2)]
    found = weave("A b.\nC d.", first, second)
    assert [each.text for each in found.hypotheses] == ["a\nx", "b\ny", "c\ny"]
    assert found.text == "a\nx"
    assert found.hypotheses[0].score == found.score
    assert found.nbest == 3


def test_no_segment_is_a_blank_text() -> None:
    found = weave(" \n")
    assert (found.text, found.log_probability, found.score) == (" \n", 0.0, 0.0)
    assert isinstance(found.to_json()["log_probability"], float)
    assert found.alignment == found.unaligned == found.source_words == ()
    assert [each.text for each in found.hypotheses] == [" \n"]


def test_without_alignment_none_is_claimed() -> None:
    found = weave("A b.", [answer("Une", -1.0, 3)], align=False)
    assert found.alignment is None
    assert found.unaligned is None
    assert found.source_words == ()
    assert "alignment" not in found.to_json()
