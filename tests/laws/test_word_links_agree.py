"""One translation, one alignment: however it was found, streamed, forced or batched, and by whatever rules."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.tiny import save_untrained

import weft
from weft.alignment.confidence import Word
from weft.alignment.link import Link, Unaligned
from weft.alignment.settings import AlignmentSettings
from weft.data.direction import EOS
from weft.generation.settings import SearchSettings
from weft.store.config import SearchDefaults
from weft.translating.decoding import Job
from weft.translating.forcing import forced_pairs
from weft.translating.looking import alignment_of
from weft.translating.segments import Segment
from weft.translating.streaming import stream
from weft.translating.translation import Hypothesis, Score
from weft.translating.translator import Translator

pytestmark = pytest.mark.usefixtures("unchecked")  # other tests check signatures; here it would take minutes

TEXTS = (
    "the red dog sleeps.",
    "the cat sings! The yellow house burns?",
    "the white horse, l'« can't 3.14 🙂 Σ日本語 falls",
    "  **\n🙂 the dog\t",
)
SEARCHES = {
    "as told": SearchDefaults(beam=3, length_penalty=0.7, max_length_ratio=1.0, max_length_offset=7),
    "cut": SearchDefaults(beam=3, max_length_ratio=0.4, max_length_offset=1),
    "long": SearchDefaults(beam=3, length_penalty=2.0, max_length_ratio=1.5, max_length_offset=2),
}
RULES: dict[str, dict[str, Any]] = {
    "as told": {},
    "early": {"shift": False},
    "by norm": {"norm_weighting": True},
    "final mark": {"final_punctuation": True, "decision": "argmax"},
    "any token": {"decide_on": "tokens", "null_competes": True},
    "end is no word": {"renormalise": False, "decision": "threshold"},
    "mutual": {"decision": "mutual"},
    "monotone": {"decision": "monotone"},
}
WAYS = [*((search, "as told") for search in SEARCHES), *(("as told", rules) for rules in list(RULES)[1:])]
Found = tuple[list[Link], list[Unaligned], list[Word]]


@pytest.fixture(scope="module")
def guided(tmp_path_factory: pytest.TempPathFactory) -> Translator:
    """A model that has learnt nothing, with a head that says "no word" now and then; it writes any bytes."""
    folder = tmp_path_factory.mktemp("models") / "guided"
    found = weft.load(
        save_untrained(folder, kind="transformer", alignment_head={"layer": 1, "head": 1}), dtype=torch.float64
    )
    null = dict(found.stored.model.named_parameters())
    with torch.no_grad():
        for name in (name for name in null if ".null." in name):
            null[name].copy_(torch.linspace(-3, 3, null[name].numel()).reshape(null[name].shape))
    return found


@pytest.fixture(params=["learnt", "guided"])
def translator(request: pytest.FixtureRequest, tiny: Translator, guided: Translator) -> Translator:
    return Translator({"learnt": tiny, "guided": guided}[request.param].stored)


def set_to(translator: Translator, search: str, rules: str) -> Translator:
    """The same model searched and read in another way."""
    told = translator.decoder.alignment
    assert told is not None
    head = translator.config.model.alignment_head
    base = told if head is None else AlignmentSettings.guided(layer=head.layer, head=head.head)
    translator.decoder.alignment = base.model_copy(update=RULES[rules])
    translator.config = translator.config.model_copy(update={"search": SEARCHES[search]})
    return translator


def parts(found: Hypothesis | Score) -> Found:
    assert found.alignment is not None
    assert found.unaligned is not None
    assert found.words is not None
    return list(found.alignment), list(found.unaligned), list(found.words)


def same(one: Found, other: Found) -> None:
    """Links in the same order, with the same shares."""
    for mine, its in zip(one, other, strict=True):
        assert [figures(each)[0] for each in mine] == [figures(each)[0] for each in its]
        assert [figures(each)[1] for each in mine] == pytest.approx([figures(each)[1] for each in its], abs=1e-9)


def figures(one: Link | Unaligned | Word) -> tuple[Sequence[Any], float]:
    match one:
        case Link(source, target, probability):
            return (source, target), probability
        case Unaligned(target, probability):
            return (target,), probability
        case Word(target, confidence):
            return (target,), confidence


@pytest.mark.parametrize(("search", "rules"), WAYS)
@pytest.mark.parametrize("beam", [1, 3])
def test_what_is_streamed_is_what_is_translated(translator: Translator, beam: int, search: str, rules: str) -> None:
    set_to(translator, search, rules)
    for text in TEXTS:
        expected = translator.translate(text, to="fr", beam=beam, align=True)
        pieces = list(translator.stream(text, to="fr", beam=beam, align=True))
        assert "".join(str(piece) for piece in pieces) == expected.text
        streamed = (
            [link for piece in pieces for link in piece.alignment.links],
            [one for piece in pieces for one in piece.alignment.unaligned],
            [word for piece in pieces for word in piece.words],
        )
        same(streamed, parts(expected))
        assert "".join(translator.stream(text, to="fr", beam=beam)) == expected.text


def test_links_come_while_the_text_is_being_written(tiny: Translator) -> None:
    """Each word's before the second one after it has come."""
    pieces = list(tiny.stream("the red dog sleeps.", to="fr", beam=1, align=True))
    shown, aligned = 0, 0
    for piece in pieces:
        shown += len(piece.text.split())
        aligned += len(piece.words)
        assert shown - aligned <= 2
    assert sum(bool(piece.words) for piece in pieces) >= 3
    assert all(len(piece.words) == len(piece.alignment.unaligned) for piece in pieces)


@pytest.mark.parametrize(("search", "rules"), WAYS)
def test_company_changes_no_link(translator: Translator, search: str, rules: str) -> None:
    """A batch with longer and shorter sources, padded, gives each the links it has alone, every hypothesis its own."""
    set_to(translator, search, rules)
    together = translator.translate(list(TEXTS), to="fr", nbest=3, align=True)
    for text, found in zip(TEXTS, together, strict=True):
        alone = translator.translate(text, to="fr", nbest=3, align=True)
        assert len(found.hypotheses) == len(alone.hypotheses)
        for mine, its in zip(found.hypotheses, alone.hypotheses, strict=True):
            assert mine.text == its.text
            same(parts(mine), parts(its))


@pytest.mark.parametrize("rules", RULES)
def test_forcing_a_translation_finds_its_links(tiny: Translator, rules: str) -> None:
    """Every one of the n best, and that of greedy search: by score, by a prefix, and a beam that had no choice."""
    translator = set_to(Translator(tiny.stored), "as told", rules)
    compared = 0
    for text in ("the red dog sleeps.", "the yellow house", "the cat, the dog!"):
        found = translator.translate(text, to="fr", nbest=3, align=True)
        for hypothesis in (*found.hypotheses, translator.translate(text, to="fr", beam=1, align=True)):
            if not written_as_read(translator, hypothesis.text, hypothesis.log_probability, text):
                continue  # the same text in other tokens is another hypothesis
            [scored] = translator.score([(text, hypothesis.text)], to="fr", align=True)
            same(parts(scored), parts(hypothesis))
            for beam in (1, 3):
                forced = translator.translate(text, to="fr", prefix=hypothesis.text, beam=beam, align=True)
                if forced.text == hypothesis.text:
                    same(parts(forced), parts(hypothesis))
                    compared += 1
    assert compared > 7


def written_as_read(translator: Translator, text: str, log_probability: float, source: str) -> bool:
    [scored] = translator.score([(source, text)], to="fr")
    return scored.log_probability == pytest.approx(log_probability, abs=1e-9)


@pytest.mark.parametrize("rules", RULES)
def test_scored_pairs_are_aligned_each_by_itself(translator: Translator, rules: str) -> None:
    set_to(translator, "as told", rules)
    pairs = [
        ("the red dog.", "le chien rouge."),
        ("", "le"),
        ("the", ""),
        ("", ""),
        ("🙂日本", "Σ le\nchien "),
        ("a", "b"),
    ]
    together = translator.score(pairs, to="fr", align=True)
    plain = translator.score(pairs, to="fr")
    for pair, found, without in zip(pairs, together, plain, strict=True):
        [alone] = translator.score([pair], to="fr", align=True)
        same(parts(found), parts(alone))
        assert found.log_probability == pytest.approx(without.log_probability, abs=1e-9)
        assert found.num_tokens == without.num_tokens
        for one in found.unaligned or ():
            listed = sum(link.probability for link in found.alignment or () if link.target == one.target)
            assert listed + one.probability <= 1 + 1e-6
    assert together[1].alignment == ()
    assert [one.probability for one in together[1].unaligned or ()] == [1.0]
    assert together[2].words == together[3].words == ()
    assert translator.score([], to="fr", align=True) == []


def test_confidences_multiply_to_the_probability_of_what_was_written(tiny: Translator) -> None:
    """Tokens that stand in one word each, and all of them in one: together with </s> they are the whole."""
    direction, text = tiny.tokenizer.direction("fr"), "the red dog sleeps."
    [ranked] = tiny.decoder.decode(
        [Job(Segment.of(text, (0, len(text)), tiny.tokenizer))],
        direction=direction,
        settings=SearchSettings(beam=3, nbest=3),
        align=True,
    )
    for answer in ranked:
        words = sum(math.log(word.confidence) for word in answer.words)
        assert words + answer.token_log_probabilities[-1] == pytest.approx(answer.log_probability, abs=1e-9)
        assert [word.target for word in answer.words] == [one.target for one in answer.alignment.unaligned]


def test_a_learned_null_is_reported_and_moves_no_word(guided: Translator) -> None:
    translator = set_to(Translator(guided.stored), "as told", "as told")
    found = translator.translate(TEXTS[2], to="fr", align=True)
    masses = [one.probability for one in found.unaligned or ()]
    assert any(0.05 < mass < 1 for mass in masses)
    assert translator.translate(TEXTS[2], to="fr").text == found.text
    linked = {link.target for link in found.alignment or ()}
    best = {link.target: link.probability for link in reversed(found.alignment or ())}
    for one in found.unaligned or ():
        assert (one.target in linked) <= (one.probability <= best.get(one.target, 0) + 1e-9)


def test_a_guided_head_is_read_unless_the_folder_says_otherwise(tmp_path: Path) -> None:
    config = weft.load(
        save_untrained(tmp_path / "guided", kind="transformer", alignment_head={"layer": 1, "head": 0})
    ).config
    unsaid = config.model_copy(update={"alignment": None})
    assert alignment_of(unsaid) == AlignmentSettings(layer=1, heads=(0,), shift=True, null_competes=True)
    assert alignment_of(config) == config.alignment


LONG = " ".join(["the red dog sleeps,"] * 250)


@pytest.mark.parametrize("text", [LONG, "ᚠᛇᚻ᛫ᛒᛦᚦ ᠮᠣᠩᠭᠣᠯ", "", "\u0301", "x" * 997])
def test_no_text_is_too_odd_to_align(guided: Translator, text: str) -> None:
    """A thousand words, scripts that were never seen, nothing: what has words has shares of them, or none to none."""
    translator = set_to(Translator(guided.stored), "as told", "any token")
    found = translator.translate(text, to="fr", align=True, settings=SearchSettings(beam=1, max_length=3))
    [scored] = translator.score([(text, text[::-1])], to="fr", align=True)
    for one in (found, scored):
        totals = {rest.target: rest.probability for rest in one.unaligned or ()}
        assert list(totals) == [word.target for word in one.words or ()]
        for link in one.alignment or ():
            totals[link.target] += link.probability
        assert all(total <= 1 + 1e-6 for total in totals.values())


@pytest.mark.parametrize("rules", RULES)
def test_codes_around_the_source_are_no_word_of_it(tiny: Translator, rules: str) -> None:
    """What other models read before and behind a text: the same links while streaming, found, and forced."""
    translator = set_to(Translator(tiny.stored), "as told", rules)
    tag, text = tiny.tokenizer.direction("fr"), "the red dog sleeps."
    direction = replace(tag, before=(5, 7), after=(EOS, 11))
    segment = Segment.of(text, (0, len(text)), tiny.tokenizer)
    settings = translator.search_settings(beam=3)
    [[best, *_]] = translator.decoder.decode([Job(segment)], direction=direction, settings=settings, align=True)
    found = list(best.alignment.links), list(best.alignment.unaligned), list(best.words)
    pieces = list(stream(translator.decoder, segment, direction=direction, settings=settings, align=True))
    streamed = (
        [link for piece in pieces for link in piece.alignment.links],
        [one for piece in pieces for one in piece.alignment.unaligned],
        [word for piece in pieces for word in piece.words],
    )
    same(streamed, found)
    assert translator.decoder.alignment is not None
    arguments = {"direction": direction, "settings": translator.decoder.alignment}
    [forced] = forced_pairs(tiny.stored.model, tiny.tokenizer, [(text, best.text)], **arguments)  # type: ignore[arg-type]
    if sum(forced.token_log_probabilities) == pytest.approx(best.log_probability, abs=1e-9):
        links = forced.weights.alignment
        same((list(links.links), list(links.unaligned), list(forced.words)), found)
    taken = [one.probability for one in best.alignment.unaligned]
    assert (max(taken) < 1e-6) == (rules != "end is no word")
