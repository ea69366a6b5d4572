"""From attention over tokens to shares of words and links: every rule, each by itself."""

from __future__ import annotations

import itertools
from typing import Any, get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from weft.alignment.decide import DECISIONS
from weft.alignment.extract import token_shares, word_alignment, word_weights
from weft.alignment.link import Link, Span, Unaligned, WordAlignment
from weft.alignment.read import combined
from weft.alignment.settings import AlignmentSettings, Decision
from weft.alignment.side import Side
from weft.base.errors import ShapeError

READ = AlignmentSettings(layer=0, heads=(0,), threshold=0.25)


def rules(**changed: Any) -> AlignmentSettings:
    return READ.model_copy(update=changed)


def side(tokens: list[Span], words: list[Span], text: str = "x" * 97) -> Side:
    return Side(text, tokens, words)


def said(text: str, *, ended: bool = False) -> Side:
    """A text cut at bars into tokens, of which each is a word; if it has ended, </s> is a token too."""
    found = spans(text)
    end = found[-1][1]
    return Side(text.replace("|", ""), found + [(end, end)] * ended, found)


def spans(text: str) -> list[Span]:
    """The spans of the parts of a text between bars: of 'ab|c' they are (0, 2) and (2, 3)."""
    ends = np.cumsum([len(part) for part in text.split("|")]).tolist()
    return list(zip([0, *ends[:-1]], ends, strict=True))


def test_words_sum_their_source_tokens_and_average_their_target_tokens() -> None:
    # source "unable to" = un able to; target "ne peut" = ne pe ut; row 0 read the start token, column 3 is </s>
    weights = np.array([[9, 9, 9, 9], [0.1, 0.2, 0.1, 0.6], [0.2, 0.2, 0.6, 0], [0.4, 0.4, 0.2, 0.0]])
    found = word_alignment(
        weights,
        source=side([(0, 2), (2, 6), (7, 9)], [(0, 6), (7, 9)]),
        target=side([(0, 2), (3, 5), (5, 7)], [(0, 2), (3, 7)]),
        settings=READ,
    )
    links = [(link.source, link.target, round(link.probability, 6)) for link in found.links]
    assert links == [
        ((0, 6), (0, 2), 0.75),
        ((7, 9), (0, 2), 0.25),
        ((0, 6), (3, 7), 0.6),
        ((7, 9), (3, 7), 0.4),
    ]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    cuts=st.tuples(*(st.lists(st.integers(0, 13), max_size=7) for _ in range(4))),
    null=st.sampled_from([0.0, 0.3, 1.0]),
    changed=st.fixed_dictionaries(
        {
            "shift": st.booleans(),
            "renormalise": st.booleans(),
            "final_punctuation": st.booleans(),
            "null_competes": st.booleans(),
            "decision": st.sampled_from(get_args(Decision)),
            "decide_on": st.sampled_from(["words", "tokens"]),
            "threshold": st.sampled_from([0.0, 0.25, 1.0]),
        }
    ),
)
def test_the_mass_of_a_target_word_sums_to_one_by_any_rules(
    seed: int, cuts: tuple[list[int], ...], null: float, changed: dict[str, Any]
) -> None:
    source_tokens, target_tokens, source_words, target_words = (pieces(sorted(cut)) for cut in cuts)
    weights = (1 - null) * random_weights(seed, 3, len(target_tokens) + 1, len(source_tokens) + 1)
    text = "".join("a.!b"[(seed + place) % 4] for place in range(13))
    whole = word_weights(
        weights,
        source=side(source_tokens, source_words, text),
        target=side(target_tokens, target_words, text[::-1]),
        settings=rules(**changed),
    )
    np.testing.assert_allclose(whole.mass.sum(1) + whole.unaligned, 1, atol=1e-6)
    assert (whole.mass >= 0).all()
    if changed["decide_on"] == "words":
        assert not (whole.linked & (whole.mass == 0)).any()
    found = whole.alignment
    assert [rest.target for rest in found.unaligned] == target_words
    assert len(found.links) == len(whole.pairs) == int(whole.linked.sum())
    listed = dict.fromkeys(target_words, 0.0)
    for link in found.links:
        listed[link.target] += link.probability
    everything = changed["threshold"] == 0 and changed["decision"] in ("threshold", "best_and_threshold")
    for rest in found.unaligned:
        total = listed[rest.target] + rest.probability
        if everything and not changed["null_competes"]:
            assert total == pytest.approx(1, abs=1e-6)
        assert total <= 1 + 1e-6


def test_padding_changes_nothing_even_nan() -> None:
    weights = random_weights(2, 2, 5, 8)
    wide = np.concatenate([weights, np.full((5, 3), np.nan)], -1)
    long = np.concatenate([wide, np.full((2, 11), np.nan)], 0)
    tokens, words = spans("ab|c|de|f|g|hi|j"), [(0, 3), (3, 6), (7, 10)]
    sides = {"source": side(tokens, words), "target": side(tokens[:4], words[:2])}
    assert word_alignment(long, **sides, settings=READ) == word_alignment(weights, **sides, settings=READ)


def test_the_row_is_read_one_step_late_or_as_the_token_is_written() -> None:
    weights, tokens = random_weights(5, 3, 8, 6), [(place, place + 1) for place in range(7)]
    sides = {"source": side(tokens[:5], []), "target": side(tokens, [])}
    late = token_shares(weights, **sides, settings=READ).mass
    early = token_shares(weights, **sides, settings=rules(shift=False, renormalise=False))
    np.testing.assert_allclose(late, weights[1:, :5] / weights[1:, :5].sum(1, keepdims=True))
    np.testing.assert_allclose(early.mass, weights[:7, :5])
    np.testing.assert_allclose(early.unaligned, weights[:7, 5], atol=1e-6)


def test_empty_texts_have_empty_alignments() -> None:
    nothing, one = side([], []), side([(0, 3)], [(0, 3)])
    for decision in DECISIONS:
        for unit in ("words", "tokens"):
            by = rules(decision=decision, decide_on=unit, final_punctuation=True)
            assert word_alignment(np.ones((1, 1)), source=nothing, target=nothing, settings=by) == WordAlignment()
            assert word_alignment(np.ones((1, 2)) / 2, source=one, target=nothing, settings=by) == WordAlignment()
            unaligned = WordAlignment((), (Unaligned((0, 3), 1.0),))
            assert word_alignment(np.ones((2, 1)), source=nothing, target=one, settings=by) == unaligned


def test_a_word_without_tokens_or_rows_is_unaligned() -> None:
    found = word_alignment(
        np.eye(3)[[0, 0]],  # the row of the second token was never recorded
        source=side([(0, 1), (1, 2)], [(0, 1), (1, 2)]),
        target=side([(0, 1), (1, 2), (2, 2)], [(0, 1), (1, 2), (5, 6)]),
        settings=READ,
    )
    assert found.links == (Link((0, 1), (0, 1), 1.0),)
    assert [rest.probability for rest in found.unaligned] == [0.0, 1.0, 1.0]


def test_mass_on_the_end_token_or_outside_words_is_on_no_word() -> None:
    weights = np.array([[0.0, 0.0, 1.0], [0.5, 0.3, 0.2], [0.0, 0.0, 1.0]])
    sides = {"source": side([(0, 1), (1, 1)], [(0, 1)]), "target": side([(0, 1), (1, 2)], spans("a|b"))}
    np.testing.assert_allclose(word_weights(weights, **sides, settings=READ).unaligned, [0.375, 1])
    apart = word_weights(weights, **sides, settings=rules(renormalise=False))
    np.testing.assert_allclose(apart.unaligned, [0.5, 1])


def test_what_no_word_has_learnt_to_take_stays_taken_when_the_end_token_is_shared_out() -> None:
    weights = np.array([[0, 0, 0], [0.2, 0.1, 0.3], [0.0, 0.5, 0.5], [0.1, 0.0, 0.1]])  # rows lack 0.4, 0 and 0.8
    sides = {"source": said("a|b"), "target": said("x|y|z")}
    found = word_weights(weights, **sides, settings=READ)
    np.testing.assert_allclose(found.unaligned, [0.4, 0, 0.8])
    np.testing.assert_allclose(found.mass, [[0.4, 0.2], [0, 1], [0.2, 0]])
    assert found.pairs == {(0, 0), (1, 1), (0, 2)}
    assert word_weights(weights, **sides, settings=rules(null_competes=True)).pairs == {(0, 0), (1, 1)}
    apart = word_weights(weights, **sides, settings=rules(renormalise=False))
    np.testing.assert_allclose(apart.unaligned, [0.7, 0.5, 0.9])


def test_noise_of_float32_is_no_mass_on_no_word() -> None:
    weights = np.array([[0.0, 1.0], [1.0 - 3e-7, 0.0]])
    assert word_weights(weights, source=said("a"), target=said("x"), settings=READ).unaligned < 1e-15


def test_parts_of_one_code_point_count_to_its_word() -> None:
    emoji = side([(0, 1)] * 4, [(0, 1)])  # four bytes of one code point
    found = word_alignment(np.full((5, 5), 0.2), source=emoji, target=emoji, settings=READ)
    assert [round(link.probability, 6) for link in found.links] == [1.0]


def test_decided_on_tokens_any_of_their_links_joins_two_words() -> None:
    # the target word's tokens read different words, each for sure; as shares of the word only the larger is the best
    weights = np.array([[0, 0, 0, 1.0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0.4, 0.6, 0]])
    source, target = side(spans("ab|cd|e"), [(0, 4), (4, 5)]), side(spans("x|y|z"), [(0, 3)])
    found = {
        unit: word_weights(
            weights, source=source, target=target, settings=rules(decision="argmax", decide_on=unit)
        ).pairs
        for unit in ("words", "tokens")
    }
    assert found == {"words": {(0, 0)}, "tokens": {(0, 0), (1, 0)}}


@pytest.mark.parametrize("mark", [".", "!", "。", "»", "…"])
def test_a_final_mark_is_kept_for_a_final_mark(mark: str) -> None:
    weights = np.array([[0, 0, 0, 1.0], [0.1, 0.1, 0.7, 0.1], [0.2, 0.3, 0.5, 0], [0.6, 0.3, 0, 0.1]])
    source, by = said(f"a|b|{mark}"), rules(decision="argmax", final_punctuation=True)
    plain = word_weights(weights, source=source, target=said("x|y|?"), settings=rules(decision="argmax"))
    assert plain.pairs == {(2, 0), (2, 1), (0, 2)}
    found = word_weights(weights, source=source, target=said("x|y|?", ended=True), settings=by)
    assert found.pairs == {(0, 0), (1, 1), (2, 2)}
    np.testing.assert_allclose(found.mass, [[0.5, 0.5, 0], [0.4, 0.6, 0], [0, 0, 1]])
    without = word_weights(weights, source=source, target=said("x|y|z"), settings=by)
    assert without.pairs == {(0, 0), (1, 1), (0, 2)}
    kept = word_weights(
        weights, source=source, target=said("x|?|z"), settings=by.model_copy(update={"renormalise": False})
    )
    np.testing.assert_allclose(kept.unaligned, [0.8, 0.5, 0.1])


def test_without_a_final_mark_in_the_source_the_rule_is_none() -> None:
    weights = random_weights(7, 1, 4, 4)
    for source, target in ((".|b|c", "x|y|."), ("a|.|.c", "x|.|z")):
        sides = {"source": said(source), "target": said(target)}
        expected = word_weights(weights, **sides, settings=READ)
        found = word_weights(weights, **sides, settings=rules(final_punctuation=True))
        np.testing.assert_array_equal(found.mass, expected.mass)


def test_a_final_mark_of_several_tokens_is_all_of_them() -> None:
    source = side([(0, 1), (1, 2), (1, 2), (1, 2)], [(0, 1), (1, 2)], "a。")
    weights = np.full((3, 5), 0.2)
    found = word_weights(weights, source=source, target=said("x|."), settings=rules(final_punctuation=True))
    np.testing.assert_allclose(found.mass, [[1, 0], [0, 1]], atol=1e-12)


def test_weights_that_are_too_narrow_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"weights must be \[t s\] with s at least 5.*got \[2, 3\]; pass the"):
        word_weights(np.ones((2, 3)), source=said("a|b|c|d|e"), target=said("x"), settings=READ)


def pieces(cuts: list[int]) -> list[Span]:
    return [(start, end) for start, end in itertools.pairwise(cuts) if (start + end) % 3]


def random_weights(seed: int, heads: int, target: int, source: int) -> np.ndarray:
    """The mean of some heads."""
    generator = torch.Generator().manual_seed(seed)
    return combined(torch.randn(heads, target, source, generator=generator).mul(2).softmax(-1))
