"""From text to text through the front door: documents, odd input, languages, prefixes, JSON, pages."""

from __future__ import annotations

import json
import random
import unicodedata
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.tiny import COLOURS, LANGUAGES, NOUNS, save_untrained, toy

import weft
from weft.alignment.page import page
from weft.alignment.settings import AlignmentSettings
from weft.alignment.words import words
from weft.base.errors import ConfigError, DataError, UnsupportedError
from weft.generation.settings import SearchSettings
from weft.translating.looking import choose_alignment
from weft.translating.translation import Translation
from weft.translating.translator import Translator

pytestmark = pytest.mark.usefixtures("unchecked")  # other tests check signatures; here it would take minutes

NFD = unicodedata.normalize("NFD", "le thé brûlé est prêt.")
ODD = {
    "empty": "",
    "blank": " \t \n\r\n \u00a0",
    "emoji": "🙂👩‍👩‍👧🇫🇷",
    "right to left": "שלום עולם. مرحبا بالعالم!",
    "control": "\x00\x01\x1b[31m\x7f",
    "zero width": "\u200b\ufeff\u2060",
    "tabs": "\tthe dog\tsleeps.\t",
    "combining": NFD,
    "marks alone": "\u0301\u0302 \u0301",
    "scripts": "नमस्ते 한국어 日本語。ไทย",
    "separators": "the dog\u2028sleeps.\x0bthe\x0ccat\x85sings.",
    "astral": "𝔱𝔥𝔢 𝔡𝔬𝔤",
    "replacement": "\ufffd\ufffd",
    "bidi": "\u202ethe dog\u202c sleeps.",
    "markup": "<b>the dog</b> & <script>alert(1)</script></s><2fr>",
}


@pytest.fixture(scope="module")
def wild(tmp_path_factory: pytest.TempPathFactory) -> Translator:
    """A model that has learnt nothing: it writes any bytes."""
    return weft.load(save_untrained(tmp_path_factory.mktemp("models") / "wild", kind="transformer"))


def assert_json(found: Translation) -> None:
    """The object that interfaces.md pins, as others read it."""
    data = json.loads(json.dumps(found.to_json()))
    assert list(data)[:6] == ["source", "text", "from", "to", "score", "log_probability"]
    assert (data["source"], data["text"]) == (found.source, found.text)
    assert all(isinstance(data[key], float) for key in ("score", "log_probability"))
    sums: dict[tuple[int, int], float] = {}
    for one in data["unaligned"]:
        start, end = one["target"]
        assert 0 <= start < end <= len(data["text"])
        assert not data["text"][start].isspace()
        assert not data["text"][end - 1].isspace()
        sums[start, end] = one["probability"]
    assert len(sums) == len(data["unaligned"])
    for link in data["alignment"]:
        assert set(link) == {"source", "target", "probability"}
        start, end = link["source"]
        assert 0 <= start < end <= len(data["source"])
        assert not data["source"][start:end].isspace()
        assert 0 <= link["probability"] <= 1 + 1e-6
        sums[tuple(link["target"])] += link["probability"]
    assert all(total <= 1 + 1e-5 for total in sums.values())


@pytest.mark.parametrize("beam", [1, 3])
@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("which", ["tiny", "wild"])
def test_odd_input_gives_one_line_a_line(which: str, name: str, beam: int, tiny: Translator, wild: Translator) -> None:
    translator, text = {"tiny": tiny, "wild": wild}[which], ODD[name]
    found = translator.translate(text, to="fr", beam=beam, nbest=beam, align=True)
    assert found.source == text
    assert_json(found)
    assert len(found.text.split("\n")) == len(text.split("\n"))
    assert found.text.count("\r") == text.count("\r")
    assert page(found.drawing())
    assert found._repr_html_()
    if not text.strip():
        assert (found.text, found.score, found.log_probability) == (text, 0.0, 0.0)
        assert found.alignment == found.unaligned == ()


_PARTS = st.sampled_from(
    [*ODD.values(), "the", "dog", "sleeps", "red", ".", "!", " ", "  ", "\n", "\t", "\u0301", "🙂"]
)


@settings(max_examples=30)
@given(text=st.lists(_PARTS | st.text(max_size=3), max_size=7).map("".join), beam=st.sampled_from([1, 3]))
def test_any_text_comes_out_as_a_translation(tiny: Translator, wild: Translator, text: str, beam: int) -> None:
    for translator in (tiny, wild):
        found = translator.translate(text, to="fr", beam=beam, nbest=beam, align=True)
        assert found.source == text
        assert_json(found)
        assert found.text.count("\n") == text.count("\n")
        assert page(found.drawing())


@pytest.mark.parametrize("which", ["tiny", "wild"])
def test_listed_unlisted_and_unaligned_sum_to_one(which: str, tiny_folder: Path, wild: Translator) -> None:
    """With a threshold of 0 every link is listed."""
    stored = weft.load(tiny_folder).stored if which == "tiny" else wild.stored
    translator = Translator(stored)
    assert translator.decoder.alignment is not None
    for update in ({}, {"renormalise": False}, {"heads": (1,), "layer": 1, "shift": False}):
        translator.decoder.alignment = translator.decoder.alignment.model_copy(update={"threshold": 0.0, **update})
        for text in ("the red dog sleeps.", "the dog, the cat!\nThe 🙂 horse", NFD):
            found = translator.translate(text, to="fr", align=True, nbest=3)
            for hypothesis in found.hypotheses:
                total = {one.target: one.probability for one in hypothesis.unaligned or ()}
                for link in hypothesis.alignment or ():
                    total[link.target] += link.probability
                assert list(total.values()) == pytest.approx([1.0] * len(total), abs=1e-5)
                assert which == "wild" or total


def test_every_target_word_is_spoken_for(tiny: Translator) -> None:
    text = "  The red dog sleeps. the cat sings!\n\n\tthe tree falls.  "
    found = tiny.translate(text, to="fr", align=True)
    assert [one.target for one in found.unaligned or ()] == words(found.text)
    assert set(found.source_words) == set(words(text))
    best = {link.target: link for link in reversed(found.alignment or ())}
    assert list(reversed(best)) == words(found.text)


def test_links_say_which_word_came_from_where(tiny_folder: Path) -> None:
    """Heads chosen on pairs without gold; this small model looks while it writes, so they are read without shift."""
    translator, rng = weft.load(tiny_folder), random.Random(5)
    toys, direction = [toy(rng) for _ in range(40)], translator.tokenizer.direction("fr")
    choice = choose_alignment(
        translator.stored.model,
        translator.config.model,
        translator.tokenizer,
        [(one.source, one.fr, direction) for one in toys],
        settings=AlignmentSettings(layer=0, heads=(0,), shift=False),
    )
    translator.decoder.alignment = choice.settings
    dictionary, right = NOUNS | COLOURS, []
    for found in translator.translate([toy(rng).source for _ in range(40)], to="fr", align=True):
        best = {link.target: link for link in reversed(found.alignment or ())}
        came = {found.text[slice(*target)]: found.source[slice(*link.source)] for target, link in best.items()}
        right += [dictionary.get(word) == french for french, word in came.items() if french in dictionary.values()]
    assert sum(right) > 0.7 * len(right) > 35


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the red dog sleeps.", "le chien rouge dort."),
        ("  the red dog sleeps.\n", "  le chien rouge dort.\n"),
        ("The", None),
        ("the cat sings! the dog sleeps.", None),
        ("the cat sings!  The dog sleeps.\tThe tree falls?", None),
        (
            "the cat sings!\n\nthe dog sleeps.\r\n\tthe tree falls.\n",
            "le chat chante!\n\nle chien dort.\r\n\tle pin tombe.\n",
        ),
    ],
)
def test_documents_keep_their_white_space(tiny: Translator, text: str, expected: str | None) -> None:
    found = tiny.translate(text, to="fr").text
    if expected is not None:
        assert found == expected
    gaps = [text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]]
    assert found.startswith(gaps[0])
    assert found.endswith(gaps[1])
    assert [line.strip() == "" for line in found.split("\n")] == [line.strip() == "" for line in text.split("\n")]


@pytest.mark.parametrize("text", ["🙂", "  ... \n", "-----", "\x00\x01", "\u0301", "?!\n\n***"])
def test_what_has_no_letter_and_no_digit_stays(tiny: Translator, text: str) -> None:
    found = tiny.translate(text, to="fr", align=True)
    assert found.text == text
    assert [(link.source, link.target, link.probability) for link in found.alignment or ()] == [
        (span, span, 1.0) for span in words(text)
    ]


def test_spans_point_into_the_string_as_given(tiny: Translator) -> None:
    composed = "the dog sleeps. l'été brûle!"
    decomposed = unicodedata.normalize("NFD", composed)
    assert len(decomposed) > len(composed)
    one, other = (tiny.translate(text, to="fr", align=True) for text in (composed, decomposed))
    assert one.text == other.text
    assert other.source == decomposed
    for mine, its in zip(one.alignment or (), other.alignment or (), strict=True):
        assert unicodedata.normalize("NFC", decomposed[slice(*its.source)]) == composed[slice(*mine.source)]
        assert mine.target == its.target


def test_a_text_and_a_list_come_back_as_they_went(tiny: Translator) -> None:
    one = tiny.translate("the dog sleeps.", to="fr")
    assert isinstance(one, Translation)
    assert str(one) == "le chien dort."
    assert tiny.translate([], to="fr") == []
    assert tiny.translate(["the dog sleeps."], to="fr") == [one]
    assert tiny.translate(("the dog sleeps.", ""), to="fr")[1].text == ""
    assert tiny.translate(["", " "], to="fr", nbest=2)[1].text == " "
    assert list(tiny.translate_lines(iter([]), to="fr")) == []


def test_lines_come_as_they_are_read(tiny: Translator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weft.translating.translator._WINDOW", 2)
    taken: list[int] = []
    lines = (taken.append(number) or f"the dog {'sleeps' * (number % 2)}." for number in range(7))
    found = tiny.translate_lines(lines, to="fr")
    next(found)
    assert taken == [0, 1]
    assert len(list(found)) == 6


def test_both_languages(tiny: Translator) -> None:
    assert tiny.translate("the black cat sings!", to="rev", from_="en").text == "sings cat black the!"
    assert [(pair.from_, pair.to) for pair in tiny.languages] == [("en", language) for language in LANGUAGES]
    assert repr(tiny) == "<weft translator tiny: en-fr, en-rev>"


@pytest.mark.parametrize(("to", "from_"), [("de", None), ("fr", "es"), ("en", "fr"), ("", None)])
def test_unknown_languages_are_refused_with_the_choices(tiny: Translator, to: str, from_: str | None) -> None:
    wanted = f"{from_}-{to}" if from_ else to
    message = f"model tiny translates en-fr, en-rev, got a request for {wanted}; choose one of these"
    for ask in (
        lambda: tiny.translate("x", to=to, from_=from_),
        lambda: tiny.translate([], to=to, from_=from_),
        lambda: tiny.stream("x", to=to, from_=from_),  # at once, not with the first piece
        lambda: tiny.score([("x", "y")], to=to, from_=from_),
    ):
        with pytest.raises(ConfigError, match=message):
            ask()


def test_a_source_language_in_doubt_is_asked_for(tiny: Translator) -> None:
    pair = tiny.languages[0]
    several = tiny.config.model_copy(update={"languages": (pair, pair.model_copy(update={"from_": "de"}))})
    translator = Translator(tiny.stored)
    translator.config = several
    with pytest.raises(ConfigError, match="to fr there are several source languages; choose one of en, de"):
        translator.pair("fr")
    assert translator.pair("fr", "de") == ("de", "fr")


def test_text_that_is_no_unicode_is_refused(tiny: Translator) -> None:
    with pytest.raises(DataError, match=r"lone surrogate U\+DC80 at position 4"):
        tiny.translate("the \udc80", to="fr")


@pytest.mark.parametrize("beam", [1, 3])
def test_a_prefix_is_honoured(tiny: Translator, beam: int) -> None:
    for prefix in ("le chat", "le ch", "Élan", "x y z 🙂", "le chien rouge dort."):
        found = tiny.translate("the red dog sleeps.", to="fr", prefix=prefix, beam=beam, nbest=beam, align=True)
        assert all(hypothesis.text.startswith(prefix) for hypothesis in found.hypotheses)
        assert_json(found)
    assert tiny.translate("the red dog sleeps.", to="fr", prefix="").text == "le chien rouge dort."
    assert tiny.translate("  ", to="fr", prefix="le").text == "  "
    decomposed = unicodedata.normalize("NFD", "Élan")
    assert tiny.translate("the dog sleeps.", to="fr", prefix=decomposed).text.startswith("Élan")


def test_a_prefix_wants_one_sentence(tiny: Translator) -> None:
    with pytest.raises(ConfigError, match="a prefix wants texts of one sentence each, got several"):
        tiny.translate("The dog sleeps. The cat sings.", to="fr", prefix="le")
    assert [each.text[:2] for each in tiny.translate(["the dog", "the cat"], to="rev", prefix="xx")] == ["xx", "xx"]


def test_nbest_and_beam(tiny: Translator) -> None:
    text = "the red dog sleeps. The cat sings!"
    assert tiny.search_settings().beam == 3  # as config.json says
    assert tiny.search_settings().length_penalty == 0.7
    assert tiny.search_settings(nbest=5).beam == 5
    assert tiny.search_settings(settings=SearchSettings(beam=4, nbest=2)) == SearchSettings(beam=4, nbest=2)
    assert tiny.search_settings(settings=SearchSettings(beam=4), beam=2).beam == 2
    for nbest in (1, 2, 3, 7):
        found = tiny.translate(text, to="fr", nbest=nbest)
        assert len(found.hypotheses) == nbest
        assert found.hypotheses[0].text == found.text
        assert ("hypotheses" in found.to_json()) == (nbest > 1)
    single = tiny.translate("the red dog sleeps.", to="fr", nbest=5)
    scores = [hypothesis.score for hypothesis in single.hypotheses]
    assert scores == sorted(scores, reverse=True)
    assert len(tiny.translate("", to="fr", nbest=3).to_json()["hypotheses"]) == 1
    assert tiny.translate(text, to="fr", beam=1) == tiny.translate(
        text, to="fr", settings=SearchSettings(beam=1, length_penalty=0.7)
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"nbest": 0}, "nbest must be at least 1, got 0"),
        ({"nbest": -1}, "nbest must be at least 1, got -1"),
        ({"beam": 0}, "beam must be at least 1, got 0"),
        ({"beam": 2, "nbest": 3}, "nbest must be at most beam = 2, got 3"),
    ],
)
def test_impossible_searches_are_refused(tiny: Translator, options: dict[str, int], message: str) -> None:
    for text in ("the dog", ""):
        with pytest.raises(ConfigError, match=message):
            tiny.translate(text, to="fr", **options)


def test_scores_add_up(tiny: Translator) -> None:
    text = "the red dog sleeps. the cat sings!"
    found = tiny.translate(text, to="fr")
    pairs = [("the red dog sleeps.", "le chien rouge dort."), ("the cat sings!", "le chat chante!")]
    scored = tiny.score(pairs, to="fr")
    if found.text == " ".join(target for _, target in pairs):
        total, length = (sum(getattr(each, key) for each in scored) for key in ("log_probability", "num_tokens"))
        assert found.log_probability == pytest.approx(total, abs=1e-9)
        assert found.score == pytest.approx(total / length**0.7, abs=1e-9)
    assert tiny.score([], to="fr") == []


def test_streaming_never_takes_anything_back(tiny: Translator, wild: Translator) -> None:
    for translator in (tiny, wild):
        for text in (ODD["blank"], ODD["emoji"], ODD["tabs"], ODD["separators"]):
            pieces = list(translator.stream(text, to="fr"))
            assert all(pieces)
            assert "".join(pieces) == translator.translate(text, to="fr").text
    assert len(list(tiny.stream("the red dog sleeps.", to="fr", beam=1))) > 2


def test_a_long_line_is_translated_whole(tiny: Translator) -> None:
    """A megabyte without a sentence end; equal pieces are searched once."""
    text = "the red dog sleeps, " * 5 + "x" * 1_000_000 + "🙂" * 997
    found = tiny.translate(text, to="fr", beam=1, settings=SearchSettings(beam=1, max_length=3), align=True)
    assert found.source == text
    assert_json(found)


@pytest.mark.parametrize("kind", ["transformer", "recurrent", "decoder_only"])
def test_positions_that_end_are_not_passed(tmp_path: Path, kind: str) -> None:
    """Learned positions: sentences are cut and translations end before they do."""
    folder = save_untrained(tmp_path / kind, kind=kind, position="learned", max_length=23)
    translator = weft.load(folder)
    text = "the red dog sleeps and sings " * 5 + "x" * 97
    for beam in (1, 3):
        found = translator.translate(text, to="fr", align=kind == "transformer", beam=beam)
        assert found.source == text
        assert "".join(translator.stream(text, to="fr", beam=beam)) == found.text
    assert translator.search_settings(settings=SearchSettings(max_length=5)).max_length == 5


@pytest.mark.parametrize("kind", ["recurrent", "decoder_only"])
def test_other_kinds_translate_and_say_that_they_do_not_align(tmp_path: Path, kind: str) -> None:
    translator = weft.load(save_untrained(tmp_path / kind, kind=kind))
    assert isinstance(translator.translate("the dog sleeps.", to="fr").text, str)
    assert len(translator.translate(["the dog", ""], to="rev", nbest=2)) == 2
    assert translator.score([("the dog", "le chien")], to="fr")[0].log_probability < 0
    message = "no cross-attention to align by; translate without align"
    with pytest.raises(UnsupportedError, match=message):
        translator.translate("the dog sleeps.", to="fr", align=True)
    with pytest.raises(UnsupportedError, match=message):
        translator.translate("", to="fr", align=True)


def test_models_load_by_folder_and_say_what_they_are(tiny_folder: Path, tmp_path: Path) -> None:
    translator = weft.load(tiny_folder, dtype=torch.bfloat16)
    assert next(translator.stored.model.parameters()).dtype is torch.bfloat16
    assert translator.translate("the red dog sleeps.", to="fr", align=True).text
    assert translator.card.startswith("# A toy")
    with pytest.raises(ConfigError, match="wanted a model that is there"):
        weft.load(tmp_path / "nowhere")
