"""A tokenizer that weft cannot run, or that is damaged, is refused by name, before anything is made of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.interop import tokenizer_folders as folders
from tests.interop.tokenizer_folders import sentences, train, write

from weft.base.errors import DataError, UnsupportedError
from weft.data.borrowed import BorrowedTokenizer
from weft.data.tokenizer_file import load_tokenizer
from weft.interop.generation import Specials
from weft.interop.sentencepiece_file import read_sentencepiece
from weft.interop.tokenizers import tokenizer_of

SPECIALS = Specials(pad=1, eos=2, bos=0, start=2)


def read(folder: Path, model_type: str, specials: Specials = SPECIALS) -> BorrowedTokenizer:
    return tokenizer_of(folder, model_type=model_type, specials=specials)


def change(path: Path, how: Callable[[dict[str, Any]], object]) -> None:
    """Rewrites a JSON file."""
    data = json.loads(path.read_text(encoding="utf-8"))
    how(data)
    write(path, data)


def saved(folder: Path) -> Path:
    """A T5 as transformers saves it."""
    folders.t5(folder)
    folders.transformers.T5Tokenizer.from_pretrained(folder).save_pretrained(folder)
    return folder / "tokenizer.json"


@pytest.mark.parametrize(
    ("make", "model_type", "lost", "said"),
    [
        (folders.marian, "marian", "source.spm", "wanted source.spm, got none; fetch the checkpoint again"),
        (folders.marian, "marian", "vocab.json", "wanted vocab.json, got none"),
        (folders.m2m100, "m2m_100", "sentencepiece.bpe.model", "wanted sentencepiece.bpe.model or spm"),
        (folders.t5, "t5", "spiece.model", "wanted spiece.model, got none"),
        (folders.byte_level, "bart", "merges.txt", "wanted merges.txt, got none"),
    ],
)
def test_a_lost_file(make: Callable[[Path], None], model_type: str, lost: str, said: str, tmp_path: Path) -> None:
    make(tmp_path)
    (tmp_path / lost).unlink()
    with pytest.raises(DataError, match=re.escape(said)):
        read(tmp_path, model_type)


def test_a_tokenizer_of_another_model(tmp_path: Path) -> None:
    folders.t5(tmp_path)
    with pytest.raises(DataError, match=r"got \d+ tokens, and config.json says eos 5000; fetch both from one place"):
        read(tmp_path, "t5", Specials(pad=0, eos=5000, start=0))


def test_more_tokens_than_the_model_has_ids(tmp_path: Path) -> None:
    folders.marian(tmp_path)
    with pytest.raises(
        DataError, match=r"wanted a tokenizer of at most 97 tokens, as the model has, got \d+, such as '"
    ):
        tokenizer_of(tmp_path, model_type="marian", specials=SPECIALS, sizes=(97, 97))


def test_special_tokens_that_the_model_has_no_id_for_are_not_read(tmp_path: Path) -> None:
    folders.byte_level(tmp_path)
    size = len(json.loads((tmp_path / "vocab.json").read_text(encoding="utf-8")))
    with_mask = tokenizer_of(tmp_path, model_type="bart", specials=SPECIALS, sizes=(size + 3, size + 3))
    without = tokenizer_of(tmp_path, model_type="bart", specials=SPECIALS, sizes=(size - 1, size - 1))
    assert with_mask.vocabulary_size == with_mask.target.vocabulary_size == size + 3
    assert max(with_mask.encode("a <mask>").ids) == size - 1
    assert max(without.encode("a <mask>").ids) < size - 1


def test_an_unknown_class(tmp_path: Path) -> None:
    write(tmp_path / "tokenizer_config.json", {"tokenizer_class": "BertTokenizerFast"})
    with pytest.raises(UnsupportedError, match=r"wanted one of MarianTokenizer, .*, got BertTokenizer; weft has no"):
        read(tmp_path, "marian")
    write(tmp_path / "tokenizer_config.json", {})
    with pytest.raises(UnsupportedError, match="got bert; weft has no other yet"):
        read(tmp_path, "bert")


def test_another_sort_of_engine(tmp_path: Path) -> None:
    path = saved(tmp_path)
    change(path, lambda data: data["model"].update(type="WordPiece"))
    with pytest.raises(UnsupportedError, match="wanted a definition of a Unigram or BPE tokenizer, got another"):
        read(tmp_path, "t5")


def test_another_sort_of_decoder(tmp_path: Path) -> None:
    path = saved(tmp_path)
    change(path, lambda data: data.update(decoder={"type": "WordPiece"}))
    with pytest.raises(UnsupportedError, match="wanted a decoder of bytes or of pieces, got WordPiece; weft has no"):
        read(tmp_path, "t5")


def test_a_definition_that_the_library_cannot_run(tmp_path: Path) -> None:
    path = saved(tmp_path)
    change(path, lambda data: data.update(pre_tokenizer={"type": "Magic"}))
    with pytest.raises(DataError, match=r"wanted a tokenizer, got: .*; fetch the checkpoint again"):
        read(tmp_path, "t5")


def test_a_vocabulary_that_is_none(tmp_path: Path) -> None:
    folders.marian(tmp_path)
    write(tmp_path / "vocab.json", {"a": "b"})
    with pytest.raises(DataError, match=r"vocab.json: wanted tokens and their ids, got something else"):
        read(tmp_path, "marian")


def test_a_vocabulary_without_an_unknown_token(tmp_path: Path) -> None:
    folders.marian(tmp_path)
    change(tmp_path / "vocab.json", lambda data: data.pop("<unk>"))
    with pytest.raises(DataError, match="a vocabulary of its own needs an unknown token"):
        read(tmp_path, "marian")


def test_merges_of_another_vocabulary(tmp_path: Path) -> None:
    folders.byte_level(tmp_path)
    (tmp_path / "merges.txt").write_text("#version: 0.2\nQQQ ZZZ\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"merges.txt: wanted pairs of tokens that make a token, got others"):
        read(tmp_path, "bart")


def test_nllb_without_a_list_of_languages(tmp_path: Path) -> None:
    folders.nllb(tmp_path)
    write(tmp_path / "tokenizer_config.json", {"tokenizer_class": "NllbTokenizer"})
    with pytest.raises(UnsupportedError, match=r"wanted tokenizer.json, or BPE pieces and a list of languages"):
        read(tmp_path, "m2m_100")


def test_a_sentencepiece_model_that_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "tiny.model"
    train(path, sentences())
    whole = path.read_bytes()
    for size in (1, 7, 1009, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(DataError, match="wanted a SentencePiece model, got something else or a part"):
            read_sentencepiece(path)
    path.write_bytes(b"")
    with pytest.raises(DataError, match="wanted a piece for what is unknown, got none"):
        read_sentencepiece(path)


def test_a_sentencepiece_model_of_another_sort(tmp_path: Path) -> None:
    path = tmp_path / "tiny.model"
    for settings in ({"model_type": "char"}, {"treat_whitespace_as_suffix": True}):
        train(path, sentences(), **settings)
        with pytest.raises(UnsupportedError, match="wanted unigram or BPE pieces with a space before words"):
            read_sentencepiece(path)


def test_symbols_of_the_user(tmp_path: Path) -> None:
    folders.marian(tmp_path, user_defined_symbols=["<sep>"])
    with pytest.raises(UnsupportedError, match="wanted a SentencePiece model without symbols of its user, got '<sep>'"):
        read(tmp_path, "marian")


def test_a_folder_without_a_tokenizer(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"tokenizer.json: wanted a tokenizer, got: No such file.*is this a model"):
        load_tokenizer(tmp_path)


def test_a_file_of_ours_that_is_damaged(tmp_path: Path) -> None:
    folders.marian(tmp_path)
    read(tmp_path, "marian").save(tmp_path)
    path = tmp_path / "tokenizer.json"
    path.write_text(path.read_text(encoding="utf-8")[:-7], encoding="utf-8")
    with pytest.raises(DataError, match=r"wanted a weft tokenizer, got: .*; fetch the model again"):
        load_tokenizer(tmp_path)


def test_half_a_character(tmp_path: Path) -> None:
    folders.t5(tmp_path)
    tokenizer = read(tmp_path, "t5")
    for reads in (tokenizer.encode, lambda text: tokenizer.encode_batch([text])):
        with pytest.raises(DataError, match=r"got the lone surrogate U\+D800 at position 2"):
            reads("ab\ud800")
