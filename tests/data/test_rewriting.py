"""Text is rewritten as SentencePiece and the library `tokenizers` rewrite it, and each character knows its place."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from tests.interop.tokenizer_folders import PAGE, sentencepiece, sentences, train
from tokenizers import normalizers

from weft.base.errors import DataError
from weft.data.charsmap import Charsmap
from weft.data.rewriting import SPACE, Rewrite, by_letters, unchanged
from weft.data.rewriting import sentencepiece as sentencepiece_rewrite
from weft.interop.sentencepiece_file import SentencePieceFile, read_sentencepiece

RULES: dict[str, dict[str, Any]] = {
    "nmt_nfkc": {},
    "nmt_nfkc_cf": {"normalization_rule_name": "nmt_nfkc_cf"},
    "nfkc, spaces kept": {"normalization_rule_name": "nfkc", "remove_extra_whitespaces": False},
    "identity": {"normalization_rule_name": "identity"},
    "identity, as it is": {
        "normalization_rule_name": "identity",
        "remove_extra_whitespaces": False,
        "add_dummy_prefix": False,
    },
}


def noise() -> list[str]:
    lot, characters = random.Random(3), "".join(PAGE)
    return ["".join(lot.choice(characters) for _ in range(lot.randint(1, 31))) for _ in range(307)]


@pytest.fixture(scope="module", params=RULES)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, SentencePieceFile]:
    path = tmp_path_factory.mktemp("rules") / "tiny.model"
    train(path, sentences(), **RULES[request.param])
    return sentencepiece.SentencePieceProcessor(model_file=str(path)), read_sentencepiece(path)


def rewriter(model: SentencePieceFile) -> Rewrite:
    return sentencepiece_rewrite(
        Charsmap(model.charsmap),
        dummy_prefix=model.dummy_prefix,
        remove_extra_spaces=model.remove_extra_spaces,
    )


def test_as_sentencepiece_does(model: tuple[Any, SentencePieceFile]) -> None:
    theirs, rewrite = model[0], rewriter(model[1])
    for text in PAGE + noise():
        assert rewrite(text).text == theirs.normalize(text), repr(text)


def test_as_the_library_does(model: tuple[Any, SentencePieceFile]) -> None:
    rules = model[1].charsmap
    if not rules:
        return
    theirs, rewrite = normalizers.Precompiled(rules), by_letters(Charsmap(rules))
    for text in PAGE + noise():
        assert rewrite(text).text == theirs.normalize_str(text), repr(text)


def test_places_go_forward_and_stay_inside(model: tuple[Any, SentencePieceFile]) -> None:
    for rewrite in (rewriter(model[1]), by_letters(Charsmap(model[1].charsmap)), unchanged):
        for text in PAGE + noise():
            found = rewrite(text)
            starts, ends = found.starts.tolist(), found.ends.tolist()
            assert len(starts) == len(ends) == len(found.text)
            assert starts == sorted(starts)
            assert ends == sorted(ends)
            assert all(0 <= start <= end <= len(text) for start, end in zip(starts, ends, strict=True))


def test_what_stands_at_a_place_is_rewritten_to_what_is_there(model: tuple[Any, SentencePieceFile]) -> None:
    rewrite = rewriter(model[1])
    for text in PAGE + noise():
        found = rewrite(text)
        for character, start, end in zip(found.text, found.starts, found.ends, strict=True):
            if character != SPACE:
                assert character in rewrite(text[start:end]).text


@pytest.mark.parametrize("rules", [b"\x07", b"\xff\0\0\0....", b"\x06\0\0\0......\0", b"\x04\0\0\0....x"])
def test_rules_that_are_cut_off_are_refused(rules: bytes) -> None:
    with pytest.raises(DataError, match=f"wanted rules of SentencePiece, got {len(rules)} bytes that are none"):
        Charsmap(rules)


def test_a_model_is_read_as_sentencepiece_reads_it(tmp_path: Path) -> None:
    for kind, algorithm in (("unigram", 1), ("bpe", 2)):
        path = tmp_path / f"{kind}.model"
        train(path, sentences(), model_type=kind)
        theirs, ours = sentencepiece.SentencePieceProcessor(model_file=str(path)), read_sentencepiece(path)
        assert ours.algorithm == algorithm
        assert [piece.text for piece in ours.pieces] == [theirs.id_to_piece(i) for i in range(len(theirs))]
        assert [piece.score for piece in ours.pieces] == [theirs.get_score(i) for i in range(len(theirs))]
        assert ours.unknown == theirs.unk_id()
