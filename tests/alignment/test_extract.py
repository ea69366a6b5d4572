import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from weft.alignment.extract import token_weights, word_alignment, word_weights
from weft.alignment.link import Link, Span, Unaligned, WordAlignment
from weft.alignment.settings import AlignmentSettings
from weft.base.errors import ShapeError

READ = AlignmentSettings(layer=0, heads=(0,), threshold=0.25)


def spans(text: str) -> list[Span]:
    """The spans of the parts of a text between bars: of 'ab|c' they are (0, 2) and (2, 3)."""
    ends = np.cumsum([len(part) for part in text.split("|")]).tolist()
    return list(zip([0, *ends[:-1]], ends, strict=True))


def test_words_sum_their_source_tokens_and_average_their_target_tokens() -> None:
    # source "unable to" = un able to; target "ne peut" = ne pe ut; row 0 read the start token, column 3 is </s>
    weights = torch.tensor([[9, 9, 9, 9], [0.1, 0.2, 0.1, 0.6], [0.2, 0.2, 0.6, 0], [0.4, 0.4, 0.2, 0.0]])
    found = word_alignment(
        weights,
        source_tokens=[(0, 2), (2, 6), (7, 9)],
        target_tokens=[(0, 2), (3, 5), (5, 7)],
        source_words=[(0, 6), (7, 9)],
        target_words=[(0, 2), (3, 7)],
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
    shift=st.booleans(),
    renormalise=st.booleans(),
    threshold=st.sampled_from([0.0, 0.25, 1.0]),
)
def test_the_mass_of_a_target_word_sums_to_one(
    seed: int, cuts: tuple[list[int], ...], shift: bool, renormalise: bool, threshold: float
) -> None:
    source_tokens, target_tokens, source_words, target_words = (pieces(sorted(cut)) for cut in cuts)
    weights = random_weights(seed, 3, len(target_tokens) + 1, len(source_tokens) + 1)
    setting = READ.model_copy(update={"shift": shift, "renormalise": renormalise, "threshold": threshold})
    whole = word_weights(
        weights,
        source_tokens=source_tokens,
        target_tokens=target_tokens,
        source_words=source_words,
        target_words=target_words,
        settings=setting,
    )
    np.testing.assert_allclose(whole.mass.sum(1) + whole.unaligned, 1, atol=1e-6)
    assert (whole.mass >= 0).all()
    found = whole.links(threshold)
    assert [rest.target for rest in found.unaligned] == target_words
    listed = dict.fromkeys(target_words, 0.0)
    for link in found.links:
        listed[link.target] += link.probability
    for rest in found.unaligned:
        total = listed[rest.target] + rest.probability
        assert total == pytest.approx(1, abs=1e-6) if threshold == 0 else total <= 1 + 1e-6


def test_padding_changes_nothing_even_nan() -> None:
    weights = random_weights(2, 2, 5, 8)
    weights[..., 8:] = 0
    wide = torch.cat([weights, torch.full((2, 5, 3), float("nan"))], -1)
    long = torch.cat([wide, torch.full((2, 2, 11), float("nan"))], 1)
    tokens, words = spans("ab|c|de|f|g|hi|j"), [(0, 3), (3, 6), (7, 10)]
    arguments = {"source_tokens": tokens, "target_tokens": tokens[:4], "source_words": words, "target_words": words[:2]}
    expected = word_alignment(weights, **arguments, settings=READ)  # type: ignore[arg-type]
    assert word_alignment(long, **arguments, settings=READ) == expected  # type: ignore[arg-type]


def test_the_row_is_read_one_step_late_and_the_heads_are_averaged() -> None:
    weights = random_weights(5, 3, 8, 6)
    late = token_weights(weights, num_source=5, num_target=7, settings=READ)
    early = token_weights(
        weights, num_source=5, num_target=7, settings=READ.model_copy(update={"shift": False, "renormalise": False})
    )
    mean = weights.double().mean(0).numpy()
    np.testing.assert_allclose(late, mean[1:, :5] / mean[1:, :5].sum(1, keepdims=True))
    np.testing.assert_allclose(early, mean[:7, :5])


def test_empty_texts_have_empty_alignments() -> None:
    nothing: dict[str, list[Span]] = {"source_tokens": [], "source_words": []}
    empty: dict[str, list[Span]] = {"target_tokens": [], "target_words": []}
    assert word_alignment(torch.ones(1, 1), **nothing, **empty, settings=READ) == WordAlignment()
    assert word_alignment(
        torch.ones(2, 1), **nothing, target_tokens=[(0, 3)], target_words=[(0, 3)], settings=READ
    ) == WordAlignment((), (Unaligned((0, 3), 1.0),))


def test_a_word_without_tokens_or_rows_is_unaligned() -> None:
    found = word_alignment(
        torch.eye(3)[[0, 0]],  # the row of the second token was never recorded
        source_tokens=[(0, 1), (1, 2)],
        target_tokens=[(0, 1), (1, 2), (2, 2)],
        source_words=[(0, 1), (1, 2)],
        target_words=[(0, 1), (1, 2), (5, 6)],
        settings=READ,
    )
    assert found.links == (Link((0, 1), (0, 1), 1.0),)
    assert [rest.probability for rest in found.unaligned] == [0.0, 1.0, 1.0]


def test_mass_on_the_end_token_or_outside_words_is_on_no_word() -> None:
    weights = torch.tensor([[0.0, 0.0, 1.0], [0.5, 0.3, 0.2], [0.0, 0.0, 1.0]])
    arguments = {
        "source_tokens": [(0, 1), (1, 1)],
        "target_tokens": [(0, 1), (1, 2)],
        "source_words": [(0, 1)],
        "target_words": spans("a|b"),
    }
    shared = word_weights(weights, **arguments, settings=READ)  # type: ignore[arg-type]
    np.testing.assert_allclose(shared.unaligned, [0.375, 1])
    apart = word_weights(weights, **arguments, settings=READ.model_copy(update={"renormalise": False}))  # type: ignore[arg-type]
    np.testing.assert_allclose(apart.unaligned, [0.5, 1])


def test_parts_of_one_code_point_count_to_its_word() -> None:
    emoji = [(0, 1)] * 4  # four bytes of one code point
    weights = torch.full((5, 5), 0.2)
    found = word_alignment(
        weights, source_tokens=emoji, target_tokens=emoji, source_words=[(0, 1)], target_words=[(0, 1)], settings=READ
    )
    assert [round(link.probability, 6) for link in found.links] == [1.0]


def test_weights_that_are_too_narrow_are_refused() -> None:
    with pytest.raises(
        ShapeError, match=r"weights must be \[t s\] or \[r t s\] with s at least 5.*got \[2, 3\]; pass the"
    ):
        token_weights(torch.ones(2, 3), num_source=5, num_target=1, settings=READ)


def pieces(cuts: list[int]) -> list[Span]:
    return [(start, end) for start, end in itertools.pairwise(cuts) if (start + end) % 3]


def random_weights(seed: int, heads: int, target: int, source: int) -> torch.Tensor:
    return torch.randn(heads, target, source, generator=torch.Generator().manual_seed(seed)).mul(2).softmax(-1)
