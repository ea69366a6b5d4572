"""Equal ids and equal text: every family's tokenizer does what transformers does, and says where it comes from."""

from __future__ import annotations

import random
import warnings
from pathlib import Path
from typing import Any

import pytest
from tests.interop.tokenizer_folders import FOREIGN, MAKERS, PAGE, WORDS, sentences, transformers

from weft.data.borrowed import BorrowedTokenizer, names
from weft.data.pretokens import byte_alphabet
from weft.data.reader import Reader
from weft.data.tokenizer_file import load_tokenizer
from weft.interop.generation import Specials
from weft.interop.tokenizers import tokenizer_of


def noise(count: int = 151) -> list[str]:
    """Characters of the page by lot, where rules and tokens meet in ways that nobody thought of."""
    lot, characters = random.Random(5), "".join(PAGE) + "the cat sat on mat" * 13
    return ["".join(lot.choice(characters) for _ in range(lot.randint(1, 31))) for _ in range(count)]


TEXTS = PAGE + noise() + sentences(WORDS + " " + FOREIGN, 9)[:31]


class Case:
    """A tokenizer of transformers, and ours of the same folder."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, (make, class_name, self.model_type) = name, MAKERS[name]
        self.folder = folder
        make(folder)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.theirs: Any = getattr(transformers, class_name).from_pretrained(folder)
        self.ours = self.read(folder)

    def read(self, folder: Path) -> BorrowedTokenizer:
        pad, eos, bos = (getattr(self.theirs, f"{role}_token_id") for role in ("pad", "eos", "bos"))
        specials = Specials(pad=eos if pad is None else pad, eos=eos, bos=bos, start=eos)
        return tokenizer_of(folder, model_type=self.model_type, specials=specials)

    def wanted(self, text: str, **how: Any) -> list[int]:
        """Their ids; `</s>` in a text is four characters, as it is to us."""
        ids: list[int] = self.theirs(text, add_special_tokens=False, split_special_tokens=True, **how)["input_ids"]
        return ids


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    return {name: Case(name, tmp_path_factory.mktemp("checkpoint")) for name in MAKERS}


@pytest.fixture(params=MAKERS)
def case(request: pytest.FixtureRequest, cases: dict[str, Case]) -> Case:
    return cases[request.param]


def test_ids_are_equal(case: Case) -> None:
    for text in TEXTS:
        assert case.ours.encode(text).ids == case.wanted(text), repr(text)


def test_the_ids_of_a_batch_are_those_of_its_texts(case: Case) -> None:
    assert case.ours.encode_batch(TEXTS) == [case.ours.encode(text).ids for text in TEXTS]
    assert case.ours.encode_batch([]) == []


def test_text_is_equal(case: Case) -> None:
    for text in TEXTS:
        ids = case.wanted(text)
        assert case.ours.decode(ids) == case.theirs.decode(ids, skip_special_tokens=True), repr(text)


def test_text_of_any_ids_is_equal(case: Case) -> None:
    """Also of rows that no text gives: words torn apart, bytes that are no UTF-8, special tokens in between."""
    lot = random.Random(7)
    shown = {i for i in case.ours._about.languages.values() if i is not None}  # transformers may show these
    prompt = "<|startofprev|>"  # what follows is a prompt, to Whisper
    ids = [i for i, name in enumerate(names(case.ours._about)) if i not in shown and name != prompt]
    for _ in range(151):
        row = lot.choices(ids, k=lot.randint(1, 13))
        wanted = case.theirs.decode(row, skip_special_tokens=True)
        if case.name == "marian, bytes" and "\ufffd" in wanted:
            continue  # SentencePiece writes one U+FFFD a byte
        assert case.ours.decode(row) == wanted, row


def test_the_saved_tokenizer_of_transformers_is_read_alike(case: Case, tmp_path: Path) -> None:
    case.theirs.save_pretrained(tmp_path)
    again = case.read(tmp_path)
    assert again.encode_batch(TEXTS) == case.ours.encode_batch(TEXTS)
    assert again.languages == case.ours.languages
    assert again.direction(**_languages(again)) == case.ours.direction(**_languages(again))


def test_one_file_holds_all_of_it(case: Case, tmp_path: Path) -> None:
    case.ours.save(tmp_path)
    [file] = tmp_path.iterdir()
    assert file.name == "tokenizer.json"
    again = load_tokenizer(tmp_path)
    assert again.fingerprint == case.ours.fingerprint
    assert again.encode_batch(TEXTS) == case.ours.encode_batch(TEXTS)
    assert again.target.encode_batch(TEXTS) == case.ours.target.encode_batch(TEXTS)


def test_targets_are_read_as_targets(case: Case) -> None:
    if case.model_type == "marian":
        for text in TEXTS:
            ids = case.theirs(text_target=text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
            assert case.ours.target.encode(text).ids == ids, repr(text)
    else:
        assert case.ours.target is case.ours


def test_spans_go_forward_and_stay_inside(case: Case) -> None:
    for text in TEXTS:
        spans = case.ours.encode(text).spans
        starts, ends = [start for start, _ in spans], [end for start, end in spans if start < end]
        assert starts == sorted(starts), repr(text)
        assert ends == sorted(ends), repr(text)
        assert all(0 <= start <= end <= len(text) for start, end in spans)


def test_a_span_holds_what_its_token_says(case: Case) -> None:
    tokens = names(case.ours._about)
    for text in TEXTS:
        encoding = case.ours.encode(text)
        for i, (start, end) in zip(encoding.ids, encoding.spans, strict=True):
            if i != case.ours._about.unknown and not tokens[i].startswith("<0x"):
                assert said(tokens[i], case) in normal(text[start:end], case), (text, tokens[i], (start, end))


def test_what_no_span_holds_says_nothing(case: Case) -> None:
    for text in TEXTS:
        held = {place for span in case.ours.encode(text).spans for place in range(*span)}
        rest = "".join(character for place, character in enumerate(text) if place not in held)
        assert not normal(rest, case).decode("utf-8").strip(), (text, rest)


def test_no_span_begins_with_a_space_unless_it_is_nothing_else(case: Case) -> None:
    for text in TEXTS:
        for start, end in case.ours.encode(text).spans:
            assert not text[start:end].strip() or not text[start].isspace()


def test_spans_of_what_was_written(case: Case) -> None:
    for text in TEXTS:
        ids = [case.ours.eos, *case.ours.encode(text).ids, case.ours.eos]
        written, spans = case.ours.token_spans(ids)
        assert written == case.ours.decode(ids)
        assert len(spans) == len(ids)
        assert spans[0] == (0, 0)
        assert [start for start, _ in spans] == sorted(start for start, _ in spans)
        held = {place for span in spans for place in range(*span)}
        assert all(written[place].isspace() for place in set(range(len(written))) - held)


def test_special_tokens_in_a_text_are_so_many_characters(case: Case) -> None:
    tokens = names(case.ours._about)
    silent = {i for i in case.ours._about.silent if tokens[i] not in case.ours._about.readable}
    silent -= {case.ours._about.unknown}
    text = "a </s> <s> <pad> <|endoftext|> eng_Latn en_XX __en__ >>fra<< b"
    assert not silent & set(case.ours.encode(text).ids)


def said(token: str, case: Case) -> bytes:
    """What a token stands for, without spaces before it."""
    if case.ours._about.writing == "bytes":
        alphabet = byte_alphabet()
        return bytes(alphabet[character] for character in token).lstrip(b" ")
    return token.replace("\u2581", " ").strip(" ").encode("utf-8")


def normal(text: str, case: Case) -> bytes:
    """The text as the tokenizer sees it."""
    reader: Reader = case.ours._reader
    rewritten = reader._rewrite(text).text
    return (rewritten if case.ours._about.writing == "bytes" else rewritten.replace("\u2581", " ")).encode("utf-8")


def _languages(tokenizer: BorrowedTokenizer) -> dict[str, str]:
    return {"from_": tokenizer.languages[0], "to": tokenizer.languages[1]} if tokenizer.languages else {"to": "de"}
