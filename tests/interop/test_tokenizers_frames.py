"""What stands around a source, and what languages are called: as transformers has it, and as people say it."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.interop import tokenizer_folders as folders
from tests.interop.tokenizer_folders import transformers, write

from weft.base.errors import ConfigError
from weft.data.borrowed import BorrowedTokenizer
from weft.data.direction import Direction
from weft.data.text_tokenizer import TextTokenizer
from weft.data.tokenizer import Tokenizer
from weft.interop.generation import Specials
from weft.interop.languages import code_of, full_code, plain_codes
from weft.interop.tokenizers import source_language, tokenizer_of

START = 7
TEXT = "Hello world"


def ours(folder: Path, model_type: str, **how: Any) -> BorrowedTokenizer:
    specials = Specials(pad=1, eos=how.pop("eos", 2), bos=how.pop("bos", 0), start=START)
    return tokenizer_of(folder, model_type=model_type, specials=specials, **how)


def theirs(folder: Path, class_name: str, text: str = TEXT, **how: Any) -> list[int]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ids: list[int] = getattr(transformers, class_name).from_pretrained(folder, **how)(text)["input_ids"]
    return ids


@pytest.mark.parametrize(
    ("make", "class_name", "model_type", "from_", "to"),
    [
        (folders.m2m100, "M2M100Tokenizer", "m2m_100", "fr", "en"),
        (folders.nllb, "NllbTokenizer", "m2m_100", "fra_Latn", "eng_Latn"),
        (folders.fairseq, "MBartTokenizer", "mbart", "fr_XX", "en_XX"),
        (folders.mbart50, "MBart50Tokenizer", "mbart", "fr_XX", "en_XX"),
    ],
)
def test_languages_stand_around_the_source(
    make: Callable[[Path], None], class_name: str, model_type: str, from_: str, to: str, tmp_path: Path
) -> None:
    make(tmp_path)
    tokenizer = ours(tmp_path, model_type)
    direction = tokenizer.direction(from_="fr", to="en")
    assert direction.source(tokenizer.encode(TEXT).ids) == theirs(tmp_path, class_name, src_lang=from_)
    assert direction == tokenizer.direction(from_=from_, to=to)  # as the checkpoint calls them
    assert {"fr", "en", "zh"} <= set(tokenizer.languages)
    english = direction.start if direction.first is None else direction.first
    assert tokenizer.direction(from_="en", to="fr").source([])[0 if direction.before else -1] == english
    reading = tokenizer.reading(from_="fr")
    assert (reading.before, reading.after) == (direction.before, direction.after)


def test_the_target_stands_before_the_source_of_marian(tmp_path: Path) -> None:
    folders.marian(tmp_path, ("fra", "deu", "cmn_Hans", "cmn_Hant"))
    tokenizer = ours(tmp_path, "marian", eos=0)
    assert tokenizer.languages == ("fr", "de", "zh", "zh-Hant")
    direction = tokenizer.direction(to="fr")
    assert direction.source(tokenizer.encode(TEXT).ids) == theirs(tmp_path, "MarianTokenizer", ">>fra<<" + TEXT)
    assert direction.start == START
    assert direction.first is None
    assert tokenizer.reading(to="fr").before == direction.before
    with pytest.raises(
        ConfigError, match="to must be given: this model needs it with the source; choose one of fr, de"
    ):
        tokenizer.reading()


def test_a_model_of_one_direction_takes_its_languages_from_its_files_or_its_user(tmp_path: Path) -> None:
    folders.marian(tmp_path)
    assert ours(tmp_path, "marian").languages == ()
    assert ours(tmp_path, "marian", languages=("en", "fr")).languages == ("fr",)
    write(tmp_path / "tokenizer_config.json", {"source_lang": "eng", "target_lang": "deu"})
    assert source_language(tmp_path) == "en"
    tokenizer = ours(tmp_path, "marian", eos=0)
    assert tokenizer.languages == ("de",)
    assert tokenizer.direction(to="de") == Direction(START, eos=0, after=(0,))
    assert tokenizer.direction(to="de").source([5]) == [5, 0]


def test_two_vocabularies(tmp_path: Path) -> None:
    folders.marian(tmp_path)
    shared = json.loads((tmp_path / "vocab.json").read_text(encoding="utf-8"))
    write(tmp_path / "target_vocab.json", {name: i for i, name in enumerate(reversed(shared))})
    write(tmp_path / "tokenizer_config.json", {"separate_vocabs": True})
    last = len(shared) - 1
    tokenizer = ours(tmp_path, "marian", eos=last)
    text = "der hund le monde"
    assert tokenizer.decode(tokenizer.target.encode(text).ids) == text
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = transformers.MarianTokenizer.from_pretrained(tmp_path)
    for text in folders.PAGE:
        ids = theirs(text_target=text, add_special_tokens=False)["input_ids"]
        assert tokenizer.target.encode(text).ids == ids


def test_plain_families_put_their_ends_around(tmp_path: Path) -> None:
    folders.byte_level(tmp_path)
    tokenizer = ours(tmp_path, "bart", eos=2, bos=0)
    assert tokenizer.direction(to="en").source(tokenizer.encode(TEXT).ids) == theirs(tmp_path, "BartTokenizer")
    assert (tokenizer.pad, tokenizer.eos, tokenizer.bos, tokenizer.family) == (1, 2, 0, "bart")


@pytest.mark.parametrize(("make", "name"), [(folders.t5, "T5"), (folders.pegasus, "Pegasus")])
def test_an_end_behind(make: Callable[[Path], None], name: str, tmp_path: Path) -> None:
    make(tmp_path)
    tokenizer = ours(tmp_path, name.lower(), eos=1)
    assert tokenizer.direction(to="en").source(tokenizer.encode(TEXT).ids) == theirs(tmp_path, f"{name}Tokenizer")


def test_what_a_config_asks_for_first_is_forced(tmp_path: Path) -> None:
    folders.byte_level(tmp_path)
    specials = Specials(pad=1, eos=2, bos=0, start=2, forced_first=0)
    assert tokenizer_of(tmp_path, model_type="bart", specials=specials).direction(to="en").first == 0


def test_whisper_is_told_language_and_task(tmp_path: Path) -> None:
    folders.whisper(tmp_path)
    tokenizer = ours(tmp_path, "whisper")
    assert tokenizer.languages == ("en", "zh", "de", "es", "ru", "ko", "fr")
    direction = tokenizer.direction(to="fr")
    start = theirs(tmp_path, "WhisperTokenizer", "", language="fr", task="transcribe")
    assert [*tokenizer.forced("fr")] == start[1:-1]
    assert direction.first == start[1]
    assert not direction.before
    assert not direction.after


def test_t5_is_asked_in_words(tmp_path: Path) -> None:
    folders.t5(tmp_path)
    asked = {f"translation_en_to_{to}": {"prefix": f"the cat to {to}: ", "num_beams": 4} for to in ("de", "fr")}
    write(tmp_path / "config.json", {"task_specific_params": asked | {"summarization": {"prefix": "summarize: "}}})
    tokenizer = ours(tmp_path, "t5", eos=1)
    assert tokenizer.languages == ("de", "fr")
    wanted = theirs(tmp_path, "T5Tokenizer", "the cat to fr: " + TEXT)
    assert tokenizer.direction(to="fr").source(tokenizer.encode(TEXT).ids) == wanted
    assert tokenizer.direction(from_="en", to="fr") == tokenizer.direction(to="fr")
    with pytest.raises(ConfigError, match="can be asked for en-de, en-fr, got ro-fr; choose one of these"):
        tokenizer.direction(from_="ro", to="fr")


def test_sentinels_may_be_named(tmp_path: Path) -> None:
    folders.t5(tmp_path)
    tokenizer = ours(tmp_path, "t5", eos=1)
    text = "the <extra_id_0> sat <extra_id_1>"
    assert [*tokenizer.encode(text).ids, 1] == theirs(tmp_path, "T5Tokenizer", text)
    assert tokenizer.encode(text).spans[1] == (4, 16)


def test_an_older_nllb_has_its_languages_behind(tmp_path: Path) -> None:
    folders.nllb(tmp_path)
    settings = json.loads((tmp_path / "tokenizer_config.json").read_text(encoding="utf-8"))
    write(tmp_path / "tokenizer_config.json", settings | {"legacy_behaviour": True})
    tokenizer = ours(tmp_path, "m2m_100")
    ids = tokenizer.direction(from_="fr", to="en").source(tokenizer.encode(TEXT).ids)
    assert ids == theirs(tmp_path, "NllbTokenizer", src_lang="fra_Latn")


def test_an_unknown_language_names_those_there_are(tmp_path: Path) -> None:
    folders.marian(tmp_path, ("fra", "deu"))
    with pytest.raises(ConfigError, match="to must be one of fr, de, got 'xx'; choose one of these"):
        ours(tmp_path, "marian").direction(to="xx")


def test_a_model_that_reads_the_source_language_must_be_told(tmp_path: Path) -> None:
    folders.nllb(tmp_path)
    tokenizer = ours(tmp_path, "m2m_100")
    with pytest.raises(ConfigError, match=r"from must be given: .* choose one of ace, en, fr"):
        tokenizer.direction(to="fr")
    with pytest.raises(ConfigError, match="from must be one of ace, en, fr, zh, zh-Hant, got 'xx'"):
        tokenizer.direction(to="fr", from_="xx")


def test_wefts_own_tokenizer_speaks_the_same(tmp_path: Path) -> None:
    own: TextTokenizer = Tokenizer.train(["a b c"] * 3, vocabulary_size=270, languages=["en", "fr"])
    assert own.direction(to="fr") == Direction(4, after=(own.eos,))
    assert own.target is own


def test_codes_of_tokens() -> None:
    assert [code_of(token) for token in (">>fra<<", "__en__", "<|de|>", "<|notimestamps|>", "en")] == [
        "fra",
        "en",
        "de",
        None,
        None,
    ]


def test_codes_in_full() -> None:
    wanted = {"eng_Latn": "en-Latn", "en_XX": "en", "pt_br": "pt-BR", "zho_Hant": "zh-Hant", "jw": "jv", "fra": "fr"}
    assert {code: full_code(code) for code in wanted} == wanted
    assert full_code("valencian") is None


def test_codes_are_as_short_as_they_can_be() -> None:
    assert plain_codes(["eng_Latn", "zho_Hans", "zho_Hant", "kas_Arab", "kas_Deva", "arz_Arab", "valencian"]) == {
        "en": "eng_Latn",
        "zh": "zho_Hans",
        "zh-Hant": "zho_Hant",
        "ks": "kas_Arab",
        "ks-Deva": "kas_Deva",
        "arz": "arz_Arab",
        "valencian": "valencian",
    }
    assert plain_codes(["pt_br", "pt", "zh_TW", "zh_CN"]) == {
        "pt-BR": "pt_br",
        "pt": "pt",
        "zh-TW": "zh_TW",
        "zh": "zh_CN",
    }
    assert plain_codes(["fra", "fr", "cmn", "zho"]) == {"fra": "fra", "fr": "fr", "zh": "cmn", "zho": "zho"}
