from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
import torch
from tests.statistical.text import Text, invented

from weft.base.errors import DataError
from weft.statistical.aligner import StatisticalAligner
from weft.statistical.learning import Progress
from weft.statistical.posteriors import Posteriors
from weft.statistical.settings import StatisticalSettings

PLAIN = StatisticalSettings(agreement=False, family_count=0.0, alike_count=0.0)


@pytest.fixture(scope="module")
def text() -> Text:
    return invented()


@pytest.fixture(scope="module")
def aligner(text: Text) -> StatisticalAligner:
    return StatisticalAligner.train(text.sources, text.targets)


def align(aligner: StatisticalAligner, source: str, target: str) -> Posteriors:
    return next(aligner.posteriors([source.split()], [target.split()]))


def likelihoods(text: Text, settings: StatisticalSettings) -> list[float]:
    seen: list[Progress] = []
    StatisticalAligner.train(text.sources, text.targets, settings=settings, report=seen.append)
    return [one.log_likelihood for one in seen if one.log_likelihood is not None]


@pytest.mark.parametrize("settings", [StatisticalSettings(), PLAIN, StatisticalSettings(jump_iterations=0)])
def test_the_links_of_an_invented_language_are_found(text: Text, settings: StatisticalSettings) -> None:
    aligner = StatisticalAligner.train(text.sources, text.targets, settings=settings)
    right = wrong = 0
    for found, links in zip(aligner.posteriors(text.sources, text.targets), text.links, strict=True):
        for one in (found.forward_links(), found.reverse_links()):
            right += len(one & links)
            wrong += len(one ^ links)
    assert wrong < 0.06 * right


def test_a_word_without_a_translation_comes_from_no_word(text: Text, aligner: StatisticalAligner) -> None:
    found = align(aligner, "s3 s5 s7", "t3 t5 o t7")
    assert found.forward_null[2] > 0.9
    assert found.forward_null[[0, 1, 3]].max() < 0.1
    assert found.forward_links() == found.reverse_links() == {(0, 0), (1, 1), (2, 3)}


def test_rows_and_columns_sum_to_one_with_their_null(text: Text, aligner: StatisticalAligner) -> None:
    for found in aligner.posteriors(text.sources, text.targets):
        np.testing.assert_allclose(found.forward.sum(1) + found.forward_null, 1, atol=1e-5)
        np.testing.assert_allclose(found.reverse.sum(0) + found.reverse_null, 1, atol=1e-5)


@pytest.mark.parametrize("jump_iterations", [0, 5])
def test_likelihood_never_falls_without_prior_and_agreement(text: Text, jump_iterations: int) -> None:
    settings = PLAIN.model_copy(update={"jump_iterations": jump_iterations, "lexicon_iterations": 5 - jump_iterations})
    found = likelihoods(text, settings)
    assert len(found) == 5
    assert all(later >= earlier - 1e-6 * abs(earlier) for earlier, later in pairwise(found))


@pytest.mark.parametrize("agreement", [True, False])
def test_swapping_the_sides_swaps_the_directions(text: Text, agreement: bool) -> None:
    settings = StatisticalSettings(agreement=agreement)
    one = StatisticalAligner.train(text.sources, text.targets, settings=settings)
    other = StatisticalAligner.train(text.targets, text.sources, settings=settings)
    for here, there in zip(
        one.posteriors(text.sources, text.targets), other.posteriors(text.targets, text.sources), strict=True
    ):
        np.testing.assert_allclose(here.forward, there.reverse.T, atol=1e-4)
        np.testing.assert_allclose(here.reverse, there.forward.T, atol=1e-4)


def test_training_and_aligning_twice_gives_the_same_bits(text: Text, aligner: StatisticalAligner) -> None:
    again = StatisticalAligner.train(text.sources, text.targets).tensors()
    for name, tensor in aligner.tensors().items():
        assert torch.equal(tensor, again[name]), name


def test_a_pair_is_aligned_alike_alone_and_among_others(text: Text, aligner: StatisticalAligner) -> None:
    together = list(aligner.posteriors(text.sources, text.targets))
    for row in (0, 101, 210):
        alone = next(aligner.posteriors(text.sources[row : row + 1], text.targets[row : row + 1]))
        np.testing.assert_allclose(alone.forward, together[row].forward, atol=1e-5)
        np.testing.assert_allclose(alone.reverse, together[row].reverse, atol=1e-5)


def test_the_order_of_the_text_changes_nothing(text: Text, aligner: StatisticalAligner) -> None:
    order = np.random.default_rng(5).permutation(len(text.sources)).tolist()
    shuffled = StatisticalAligner.train([text.sources[i] for i in order], [text.targets[i] for i in order])
    for one, other in zip(
        aligner.posteriors(text.sources, text.targets), shuffled.posteriors(text.sources, text.targets), strict=True
    ):
        np.testing.assert_allclose(one.forward, other.forward, atol=1e-4)


def test_tensors_make_the_same_aligner(text: Text, aligner: StatisticalAligner) -> None:
    again = StatisticalAligner.from_tensors(
        aligner.tensors(),
        source_words=aligner.source.words,
        target_words=aligner.target.words,
        settings=aligner.settings,
    )
    for one, other in zip(
        aligner.posteriors(text.sources, text.targets), again.posteriors(text.sources, text.targets), strict=True
    ):
        np.testing.assert_array_equal(one.forward, other.forward)
        np.testing.assert_array_equal(one.reverse_null, other.reverse_null)


def test_the_lexicon_has_the_translations_first(aligner: StatisticalAligner) -> None:
    entries = [entry for entry in aligner.lexicon(least=0.5) if entry.target != "o"]
    assert {(entry.source, entry.target) for entry in entries} == {(f"s{n}", f"t{n}") for n in range(47)}
    assert all(entry.forward > 0.5 for entry in entries)
    assert len(list(aligner.lexicon())) >= len(entries)


@pytest.mark.parametrize(("source", "target"), [("", ""), ("s3 s5", ""), ("", "t3 t5 t7")])
def test_an_empty_side_leaves_the_words_of_the_other_to_none(
    aligner: StatisticalAligner, source: str, target: str
) -> None:
    found = align(aligner, source, target)
    assert found.forward.shape == found.reverse.shape == (len(target.split()), len(source.split()))
    assert found.forward_null.tolist() == [1.0] * len(target.split())
    assert found.reverse_null.tolist() == [1.0] * len(source.split())
    assert found.forward_links() == found.reverse_links() == frozenset()


def test_case_makes_no_difference(aligner: StatisticalAligner) -> None:
    np.testing.assert_array_equal(
        align(aligner, "S3 s5", "t3 T5").forward,
        align(aligner, "s3 S5", "T3 t5").forward,
    )


def test_a_new_word_beside_itself_is_its_translation(aligner: StatisticalAligner) -> None:
    found = align(aligner, "s3 1,997 Zorglub s5", "t3 zorglub 1,997 t5")
    assert found.forward_links() == found.reverse_links() == {(0, 0), (1, 2), (2, 1), (3, 3)}


def test_a_new_word_is_placed_by_its_neighbours_and_leaves_null_a_share(aligner: StatisticalAligner) -> None:
    found = align(aligner, "s3 s5 s7 s11", "t3 t5 zorglub t11")
    assert found.forward[2].argmax() == 2
    assert 0.01 < found.forward_null[2] < 0.99


def test_text_of_new_words_alone_is_aligned_with_a_null_share(aligner: StatisticalAligner) -> None:
    found = align(aligner, "αβγ δεζ ηθι", "абв где жзи")
    assert np.isfinite(found.forward).all()
    assert np.isfinite(found.reverse).all()
    assert (found.forward_null > 0.05).all()


def test_a_sentence_of_a_thousand_words_is_learned_from_and_aligned(text: Text) -> None:
    source = [word for sentence in text.sources for word in sentence][:1009]
    target = [word.replace("s", "t") for word in source]
    sources, targets = [*text.sources, source], [*text.targets, target]
    settings = StatisticalSettings(lexicon_iterations=2, jump_iterations=1)
    aligner = StatisticalAligner.train(sources, targets, settings=settings)
    found = next(aligner.posteriors([source], [target]))
    assert len(found.forward_links() & {(i, i) for i in range(1009)}) > 950


def test_progress_tells_stage_and_share(text: Text) -> None:
    seen: list[Progress] = []
    settings = StatisticalSettings(lexicon_iterations=2, jump_iterations=1)
    StatisticalAligner.train(text.sources, text.targets, settings=settings, report=seen.append)
    ends = [(one.stage, one.iteration, one.iterations) for one in seen if one.done == 1]
    assert ends == [("lexicon", 1, 2), ("lexicon", 2, 2), ("jumps", 1, 1)]
    assert all(0 < one.done <= 1 for one in seen)


@pytest.mark.parametrize(
    ("sources", "targets", "message"),
    [
        ([["a"]], [["b"], ["c"]], "wanted as many targets as sources, got 1 sources and 2 targets; give pairs"),
        ([["a"], []], [[], ["c"]], "wanted sentence pairs to learn from, got 2, none with words on both sides"),
        ([], [], "wanted sentence pairs to learn from, got 0"),
    ],
)
def test_text_that_teaches_nothing_is_refused(
    sources: Sequence[Sequence[str]], targets: Sequence[Sequence[str]], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        StatisticalAligner.train(sources, targets)


def test_sides_of_unequal_length_are_refused(aligner: StatisticalAligner) -> None:
    with pytest.raises(DataError, match="got no target 2; give pairs"):
        list(aligner.posteriors([["s3"], ["s5"]], [["t3"]]))
    with pytest.raises(DataError, match="got no source 1; give pairs"):
        list(aligner.posteriors([], [["t3"]]))


def test_tensors_that_do_not_belong_together_are_refused(aligner: StatisticalAligner) -> None:
    whole = aligner.tensors()
    num_words = len(aligner.source) + 1
    for change, message in [
        ({"null.source": whole["null.source"][1:]}, rf"wanted null.source as torch.float32 \[{num_words}\], got"),
        ({"jumps.forward": whole["jumps.forward"].float()}, "wanted jumps.forward as torch.float64"),
        ({"pairs.probability": -whole["pairs.probability"]}, "wanted pairs.probability without negative"),
        ({"pairs.source": whole["pairs.source"].flip(0)}, "in ascending order, got others"),
        ({"pairs.target": whole["pairs.target"] + 1000}, re.escape("wanted pairs of 47 source and 48 target words")),
    ]:
        with pytest.raises(DataError, match=message):
            StatisticalAligner.from_tensors(
                {**whole, **change},
                source_words=aligner.source.words,
                target_words=aligner.target.words,
                settings=aligner.settings,
            )
    del whole["jumps.reverse"]
    with pytest.raises(DataError, match=r"wanted jumps.reverse as torch.float64 \[201\], got none"):
        StatisticalAligner.from_tensors(
            whole, source_words=aligner.source.words, target_words=aligner.target.words, settings=aligner.settings
        )
