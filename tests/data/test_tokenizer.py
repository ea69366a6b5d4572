"""Laws of the tokenizer: every text comes back, and every token knows its place in the text as given."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.base.errors import ConfigError, DataError
from weft.data.tokenizer import Tokenizer

_PARTS = st.sampled_from(
    [
        *("<pad>", "</s>", "<2fr>", " ", "  ", "\n", "\t", "\x00", "\x85", "\u2028", "\ufeff", "é", "e\u0301", "😀"),
        *("👩\u200d👩\u200d👧", "שלום", "مرحبا", "हिन्दी", "가", "\u1100\u1161\u11a8", "汉字", "%s", "{name}", "Ġ", "’"),
        *("https://a.b/c?d=1&e=%20", "l'homme", "don't", "1984", "3.14"),
    ]
)
texts = st.lists(_PARTS | st.text(max_size=5)).map("".join)


@given(text=texts)
def test_every_text_comes_back(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text).ids) == unicodedata.normalize("NFC", text)


@given(batch=st.lists(texts, max_size=7))
def test_a_batch_is_its_texts_one_by_one(tokenizer: Tokenizer, batch: list[str]) -> None:
    assert tokenizer.encode_batch(batch) == [tokenizer.encode(text).ids for text in batch]


@given(text=texts)
def test_no_text_makes_a_special_token(tokenizer: Tokenizer, text: str) -> None:
    assert min(tokenizer.encode(text).ids, default=6) >= 6


@given(text=texts)
def test_spans_cover_all_but_leading_spaces(tokenizer: Tokenizer, text: str) -> None:
    spans = tokenizer.encode(text).spans
    assert all(0 <= start <= end <= len(text) for start, end in spans)
    assert spans == sorted(spans)
    covered = {place for start, end in spans for place in range(start, end)}
    assert {text[place] for place in range(len(text)) if place not in covered} <= {" "}


@given(text=texts)
def test_a_token_that_is_whole_characters_spans_just_these(tokenizer: Tokenizer, text: str) -> None:
    """Independent of how spans are found: what a token decodes to is the NFC of its span, if nothing was composed."""
    text = unicodedata.normalize("NFC", text)
    encoding = tokenizer.encode(text)
    for token, (start, end) in zip(encoding.ids, encoding.spans, strict=True):
        piece = tokenizer.decode([token])  # without its leading space
        if "\ufffd" not in piece and piece and not piece.isspace():
            assert piece == text[start:end]


@given(text=texts)
def test_token_spans_of_the_decoded_text_are_those_of_encoding_it(tokenizer: Tokenizer, text: str) -> None:
    text = unicodedata.normalize("NFC", text)
    encoding = tokenizer.encode(text)
    assert tokenizer.token_spans(encoding.ids) == (text, encoding.spans)


@given(ids=st.lists(st.integers(0, 430)))
def test_any_ids_decode_and_have_spans(tokenizer: Tokenizer, ids: list[int]) -> None:
    ids = [i for i in ids if i < tokenizer.vocabulary_size]
    text, spans = tokenizer.token_spans(ids)
    assert text == tokenizer.decode(ids)
    assert len(spans) == len(ids)
    assert all(0 <= start <= end <= len(text) for start, end in spans)
    assert spans == sorted(spans)


def test_specials_have_empty_spans_and_no_text(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("dog sleeps").ids
    text, spans = tokenizer.token_spans([tokenizer.tag("fr"), *ids, tokenizer.eos, tokenizer.pad])
    assert text == "dog sleeps"
    assert spans[0] == (0, 0)
    assert spans[-2:] == [(10, 10), (10, 10)]


def test_spans_point_into_the_text_before_composition(tokenizer: Tokenizer) -> None:
    encoding, composed = tokenizer.encode("e\u0301te\u0301 !"), tokenizer.encode("été !")
    moved = {0: 0, 1: 2, 2: 3, 3: 5, 4: 6, 5: 7}
    assert encoding.ids == composed.ids
    assert encoding.spans == [(moved[start], moved[end]) for start, end in composed.spans]


def test_words_are_the_same_token_first_and_later(tokenizer: Tokenizer) -> None:
    first, later = tokenizer.encode("dog dog").ids
    assert first == later


def test_words_contractions_and_elisions_are_where_tokens_end(tokenizer: Tokenizer) -> None:
    assert "|".join(tokenizer.pieces("I don't see l'homme de TOM'S d'1")).replace("Ġ", "_") == (
        "_I|_don|'t|_see|_l'|homme|_de|_TOM|'S|_d|'|1"
    )
    assert "|".join(tokenizer.pieces("in 1984, 20%s a  %d")).replace("Ġ", "_") == "_in|_1|9|8|4|,|_2|0|%s|_a|_|_%d"


def test_ids_are_specials_then_tags_then_bytes(tokenizer: Tokenizer) -> None:
    assert (tokenizer.pad, tokenizer.bos, tokenizer.eos) == (0, 1, 2)
    assert tokenizer.languages == ("fr", "es", "zh-Hant")
    assert [tokenizer.tag(language) for language in tokenizer.languages] == [3, 4, 5]
    assert tokenizer.vocabulary_size <= 431


def test_an_unknown_language_names_the_known_ones(tokenizer: Tokenizer) -> None:
    with pytest.raises(ConfigError, match=r"language must be one of fr, es, zh-Hant, got 'de'; choose one of these"):
        tokenizer.tag("de")


def test_a_vocabulary_without_room_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"at least 260, for 256 bytes and 4 special tokens, got 259; ask for more"):
        Tokenizer.train(["a"], vocabulary_size=259, languages=["fr"])
    assert Tokenizer.train(["a"], vocabulary_size=260, languages=["fr"]).vocabulary_size == 260


def test_a_language_twice_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"languages must differ, got fr, es, fr; name each once"):
        Tokenizer.train(["a"], vocabulary_size=300, languages=["fr", "es", "fr"])


def test_half_a_surrogate_pair_is_an_error(tokenizer: Tokenizer) -> None:
    message = r"text must be Unicode, got the lone surrogate U\+D83D at position 1; decode the input"
    with pytest.raises(DataError, match=message):
        tokenizer.encode("a\ud83d")
    with pytest.raises(DataError, match=r"U\+D83D"):
        tokenizer.encode_batch(["fine", "a\ud83d"])


def test_a_saved_tokenizer_comes_back_equal(tokenizer: Tokenizer, tmp_path: Path) -> None:
    tokenizer.save(tmp_path)
    loaded = Tokenizer.load(tmp_path)
    assert loaded.fingerprint == tokenizer.fingerprint
    assert loaded.encode("L'été 1984 <pad>") == tokenizer.encode("L'été 1984 <pad>")
    assert loaded.languages == tokenizer.languages


def test_training_again_gives_the_same_tokenizer() -> None:
    texts = ["le chat dort", "la chatte dort bien"] * 3
    one, two = (Tokenizer.train(texts, vocabulary_size=293, languages=["fr"]) for _ in range(2))
    assert one.fingerprint == two.fingerprint


def test_other_programs_read_the_saved_file_alike(tokenizer: Tokenizer) -> None:
    import tokenizers

    engine = tokenizers.Tokenizer.from_str(tokenizer.definition)
    text = "L'e\u0301te\u0301,  on a vu 1984 chiens 😀."
    assert engine.encode(text).ids == tokenizer.encode(text).ids
    assert engine.decode(engine.encode(text).ids) == tokenizer.decode(tokenizer.encode(text).ids)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", r"tokenizer\.json: wanted a weft tokenizer, got: .*; fetch the model again"),
        (b"\xff", r"tokenizer\.json: wanted a weft tokenizer, got: .*; fetch the model again"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "tokenizer.json").write_bytes(content)
    with pytest.raises(DataError, match=message):
        Tokenizer.load(tmp_path)


def test_a_foreign_tokenizer_is_named(tokenizer: Tokenizer, tmp_path: Path) -> None:
    definition = json.loads(tokenizer.definition)
    definition["added_tokens"] = []
    definition["model"]["vocab"] = {"[UNK]": 0, "a": 1, "b": 2, "c": 3}
    definition["model"]["merges"] = []
    (tmp_path / "tokenizer.json").write_text(json.dumps(definition), encoding="utf-8")
    with pytest.raises(DataError, match=r"the first tokens must be <pad>, <s>, </s>, got \[UNK\], a, b; fetch"):
        Tokenizer.load(tmp_path)
    definition["model"]["vocab"] = {"<pad>": 0, "<s>": 1, "</s>": 2, "▁the": 3}
    (tmp_path / "tokenizer.json").write_text(json.dumps(definition), encoding="utf-8")
    with pytest.raises(DataError, match=r"must be made of the 256 bytes, got other characters; fetch"):
        Tokenizer.load(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"wanted a tokenizer, got: No such file or directory; is this a model folder"):
        Tokenizer.load(tmp_path)


@pytest.mark.parametrize("unit", ["a", "é ", " ", "l'", "e\u0301", "1", "..", "汉"])
def test_a_very_long_line_takes_linear_time(tokenizer: Tokenizer, unit: str) -> None:
    text = unit * 50_021
    assert tokenizer.decode(tokenizer.encode(text).ids) == unicodedata.normalize("NFC", text)
