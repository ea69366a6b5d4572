"""Families that come as a SentencePiece file alone, rebuilt as transformers 5 runs them: T5, Pegasus, mBART, NLLB.

These have their own order of ids, and most are cut by words. What transformers leaves out is left out here, too: mBART
is not normalised, and white space at the end of a text of mBART-50, NLLB or Pegasus is a token.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Self

from weft.base.errors import UnsupportedError
from weft.interop import engines
from weft.interop.engines import added_token
from weft.interop.language_codes import MBART, MBART_50
from weft.interop.sentencepiece_file import BPE, Kind, Piece, SentencePieceFile, read_sentencepiece
from weft.interop.tokenizer_files import ENGINE, TokenizerFiles
from weft.interop.tokenizer_parts import LANGUAGE, Parts, parts_of


def t5(files: TokenizerFiles) -> Parts:
    """Pieces, and behind them the sentinels of T5, the last of them first."""
    model = read_sentencepiece(files.path("spiece.model"))
    behind = [f"<extra_id_{i}>" for i in reversed(range(int(files.settings.get("extra_ids", 100))))]
    return _unigram(
        _Table.of(model, [], model.pieces, behind),
        unknown=model.unknown,
        normalizer=engines.normaliser(model.charsmap),
        pre_tokenizer=engines.WORDS_FIRST,
    )


def pegasus(files: TokenizerFiles) -> Parts:
    """Special tokens up to an offset, then the pieces."""
    model = read_sentencepiece(files.path("spiece.model"))
    first = ["<pad>", "</s>", "<mask_1>", "<mask_2>"]
    never = [f"<unk_{i}>" for i in range(2, int(files.settings.get("offset", 103)))]
    table = _Table.of(model, first, model.pieces[2:], [])
    table = replace(
        table,
        scores=[*table.scores[:4], *((name, -100.0) for name in never), *table.scores[4:]],
        special=table.special | frozenset(never),
    )
    plain = [] if model.charsmap else [engines.ONE_SPACE | {"pattern": {"Regex": "\n"}}]
    return _unigram(
        table,
        unknown=len(first) + len(never) + model.unknown - 2,
        normalizer=engines.normaliser(model.charsmap, *plain, engines.ONE_SPACE),
        pre_tokenizer=engines.METASPACE,
    )


def mbart(files: TokenizerFiles) -> Parts:
    """fairseq's order: four special tokens instead of SentencePiece's three, the pieces, then languages."""
    _, table = _fairseq(files, MBART)
    return _unigram(table, unknown=3, pre_tokenizer=engines.WORDS_FIRST)


def mbart50(files: TokenizerFiles) -> Parts:
    """As mBART with more languages; text is normalised."""
    model, table = _fairseq(files, MBART_50)
    rules = engines.normaliser(model.charsmap, engines.ONE_SPACE)
    return _unigram(table, unknown=3, normalizer=rules, pre_tokenizer=engines.METASPACE)


def nllb(files: TokenizerFiles) -> Parts:
    """fairseq's order and BPE; which languages follow must be said somewhere."""
    added = files.added()
    listed = [*sorted(added, key=added.__getitem__), *files.extra()]
    codes = dict.fromkeys(name for name in listed if LANGUAGE.fullmatch(name))
    model, table = _fairseq(files, codes)
    if model.algorithm != BPE or not codes:
        raise UnsupportedError(
            f"{files.folder}: wanted {ENGINE}, or BPE pieces and a list of languages, got neither; fetch {ENGINE}, too"
        )
    ids = {name: i for i, (name, _) in enumerate(table.scores)}
    return table.parts(
        engines.bpe(ids, engines.merges(model), unknown="<unk>"),
        normalizer=engines.normaliser(model.charsmap, engines.ONE_SPACE),
        pre_tokenizer=engines.METASPACE,
    )


@dataclass(frozen=True)
class _Table:
    """Tokens by id."""

    scores: list[tuple[str, float]]
    special: frozenset[str]
    by_hand: frozenset[str]
    """What the maker of the pieces wanted to stay whole."""

    @classmethod
    def of(
        cls, model: SentencePieceFile, before: Iterable[str], pieces: Iterable[Piece], behind: Iterable[str]
    ) -> Self:
        """Special tokens around pieces, some of which are special, too."""
        special = {piece.text for piece in model.pieces if piece.kind in (Kind.CONTROL, Kind.UNKNOWN)}
        by_hand = {piece.text for piece in model.pieces if piece.kind == Kind.USER_DEFINED}
        first, last = ([(name, 0.0) for name in names] for names in (before, behind))
        special |= {name for name, _ in (*first, *last)}
        middle = [(piece.text, piece.score) for piece in pieces]
        return cls([*first, *middle, *last], frozenset(special), frozenset(by_hand))

    def parts(self, cut: engines.Engine, **around: Any) -> Parts:
        """What cuts text like this, with what is around it."""
        added = [
            added_token(i, name, special=name in self.special, before=name == "<mask>")
            for i, (name, _) in enumerate(self.scores)
            if name in self.special | self.by_hand
        ]
        return parts_of(engines.engine(cut, added=added, decoder=engines.METASPACE, **around), writing="words")


def _unigram(table: _Table, *, unknown: int, **around: Any) -> Parts:
    return table.parts(engines.unigram(table.scores, unknown=unknown), **around)


def _fairseq(files: TokenizerFiles, codes: Iterable[str]) -> tuple[SentencePieceFile, _Table]:
    model = read_sentencepiece(files.path("sentencepiece.bpe.model"))
    return model, _Table.of(model, ["<s>", "<pad>", "</s>", "<unk>"], model.pieces[3:], [*codes, "<mask>"])
