"""From text to text, in float64: company, order, what is kept and how it is asked for change nothing."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.tiny import save_untrained, toy

import weft
from weft.data.direction import Direction
from weft.data.tokenizer import EOS
from weft.translating.translation import Hypothesis, Translation
from weft.translating.translator import Translator

pytestmark = pytest.mark.usefixtures("unchecked")  # other tests check signatures; here it would take minutes

KINDS = ["tiny", "transformer", "recurrent", "decoder_only"]
TEXTS = [
    "the red dog sleeps.",
    "",
    "🙂",
    "the tree falls.\n\tThe book shines!",
    "  white white black red dog dog sings sings, and burns  ",
    "the red dog sleeps.",
]


@pytest.fixture(scope="module")
def opened(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Translator]:
    folders = {kind: save_untrained(tmp_path_factory.mktemp(kind) / kind, kind=kind) for kind in KINDS[1:]}
    folders["tiny"] = tiny_folder

    def open_one(kind: str, **options: Any) -> Translator:
        """A translator with nothing kept yet."""
        stored = weft.load(folders[kind], dtype=torch.float64).stored
        return Translator(stored, **options)

    return open_one


def same(one: Translation, other: Translation) -> None:
    """The same texts, and numbers that differ by no more than the order of a sum may."""
    assert one.source == other.source
    same_hypothesis(one, other)
    assert len(one.hypotheses) == len(other.hypotheses)
    for mine, its in zip(one.hypotheses, other.hypotheses, strict=True):
        same_hypothesis(mine, its)


def same_hypothesis(one: Hypothesis, other: Hypothesis) -> None:
    assert one.text == other.text
    assert one.score == pytest.approx(other.score, abs=1e-10)
    assert one.log_probability == pytest.approx(other.log_probability, abs=1e-10)
    for mine, its in ((one.alignment, other.alignment), (one.unaligned, other.unaligned)):
        assert (mine is None) == (its is None)
        assert [(each.target, getattr(each, "source", None)) for each in mine or ()] == [
            (each.target, getattr(each, "source", None)) for each in its or ()
        ]
        probabilities = [each.probability for each in its or ()]
        assert [each.probability for each in mine or ()] == pytest.approx(probabilities, abs=1e-6)


@pytest.mark.parametrize("beam", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_company_order_and_memory_change_nothing(opened: Callable[..., Translator], kind: str, beam: int) -> None:
    options: dict[str, Any] = {"to": "fr", "beam": beam, "nbest": beam, "align": kind in ("tiny", "transformer")}
    alone = [opened(kind, cache_size=0).translate(text, **options) for text in TEXTS]
    together, small = opened(kind), opened(kind, cache_size=2, batch_tokens=37)
    order = random.Random(3).sample(range(len(TEXTS)), len(TEXTS))
    for found in (
        together.translate(TEXTS, **options),
        together.translate(TEXTS, **options),  # sources are kept by now
        small.translate(TEXTS, **options),
        list(together.translate_lines(iter(TEXTS), **options)),
        together.translate(together.encode(TEXTS), **options),
        opened(kind).translate(small.encode(TEXTS), **options),
    ):
        for mine, expected in zip(found, alone, strict=True):
            same(mine, expected)
    shuffled = together.translate([TEXTS[place] for place in order], **options)
    for place, mine in zip(order, shuffled, strict=True):
        same(mine, alone[place])


@pytest.mark.parametrize("kind", KINDS)
def test_the_best_of_many_is_the_best(opened: Callable[..., Translator], kind: str) -> None:
    translator = opened(kind)
    for text in TEXTS:
        one = translator.translate(text, to="fr", beam=4)
        many = translator.translate(text, to="fr", beam=4, nbest=4)
        same_hypothesis(one, many)
        same_hypothesis(many, many.hypotheses[0])


@pytest.mark.parametrize("beam", [1, 3])
@pytest.mark.parametrize("kind", ["tiny", "transformer"])
def test_being_aligned_changes_nothing(opened: Callable[..., Translator], kind: str, beam: int) -> None:
    plain, aligned = (
        opened(kind).translate(TEXTS, to="fr", beam=beam, nbest=beam, align=align) for align in (False, True)
    )
    for one, other in zip(plain, aligned, strict=True):
        for mine, its in zip(one.hypotheses, other.hypotheses, strict=True):
            assert mine.text == its.text
            assert mine.log_probability == pytest.approx(its.log_probability, abs=1e-10)


@pytest.mark.parametrize("beam", [1, 4])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_streamed_is_the_translation(opened: Callable[..., Translator], kind: str, beam: int) -> None:
    translator = opened(kind)
    for text in TEXTS:
        pieces = list(translator.stream(text, to="fr", beam=beam))
        assert all(pieces)
        assert "".join(pieces) == translator.translate(text, to="fr", beam=beam).text


def test_a_score_is_what_the_search_had(tiny: Translator) -> None:
    rng = random.Random(5)
    sources = [toy(rng).source for _ in range(11)]
    for beam in (1, 3):
        found = tiny.translate(sources, to="fr", beam=beam, nbest=beam)
        pairs = [(each.source, hypothesis.text) for each in found for hypothesis in each.hypotheses]
        searched = [hypothesis.log_probability for each in found for hypothesis in each.hypotheses]
        assert [each.log_probability for each in tiny.score(pairs, to="fr")] == pytest.approx(searched, abs=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_padding_and_company_change_no_score(opened: Callable[..., Translator], kind: str) -> None:
    translator = opened(kind)
    pairs = [(source, target) for source in TEXTS for target in ("", "le chien rouge dort.", "le")]
    together = translator.score(pairs, to="fr")
    alone = [translator.score([pair], to="fr")[0] for pair in pairs]
    assert [each.num_tokens for each in together] == [len(translator.tokenizer.encode(y).ids) + 1 for _, y in pairs]
    totals = [each.log_probability for each in alone]
    assert [each.log_probability for each in together] == pytest.approx(totals, abs=1e-10)
    assert all(total < 0 for total in totals)


@pytest.mark.parametrize("kind", KINDS)
def test_forcing_the_whole_answer_gives_the_answer(opened: Callable[..., Translator], kind: str) -> None:
    translator = opened(kind)
    [[free]] = translator.decoder.decode(
        jobs(translator, ()), direction=Direction(3), settings=translator.search_settings(), align=False
    )
    ids = tuple(translator.tokenizer.encode(free.text).ids)
    forced = translator.decoder.decode(
        jobs(translator, (*ids, EOS)), direction=Direction(3), settings=translator.search_settings(beam=1), align=False
    )
    assert forced[0][0].text == free.text


def jobs(translator: Translator, prefix: tuple[int, ...]) -> Any:
    from weft.translating.decoding import Job
    from weft.translating.segments import Segment

    return [Job(Segment.of("the red dog sleeps.", (0, 19), translator.tokenizer), prefix)]
