"""Definitions in the format of `tokenizers`, made from the older files that checkpoints come with."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from weft.base.errors import UnsupportedError
from weft.data.borrowed_definition import Rewriting
from weft.interop.sentencepiece_file import BPE, Kind, SentencePieceFile

Engine = dict[str, Any]
Scores = Sequence[tuple[str, float]]

METASPACE = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True}
"""Spaces become visible ones, of which every text, or word, has one in front."""
WORDS_FIRST = {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, METASPACE]}
ONE_SPACE = {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}
BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}


def rewriting(model: SentencePieceFile) -> Rewriting:
    """How a SentencePiece model rewrites text."""
    return Rewriting(
        charsmap=base64.b64encode(model.charsmap).decode("ascii"),
        dummy_prefix=model.dummy_prefix,
        remove_extra_spaces=model.remove_extra_spaces,
    )


def sentencepiece(model: SentencePieceFile) -> Engine:
    """What cuts the text that the model has rewritten; ids are those of the model's pieces.

    Raises UnsupportedError for pieces that somebody defined by hand, which the library would cut otherwise.
    """
    by_hand = [piece.text for piece in model.pieces if piece.kind == Kind.USER_DEFINED]
    if by_hand:
        raise UnsupportedError(f"wanted a SentencePiece model without symbols of its user, got {by_hand[0]!r}")
    scores = [(piece.text, piece.score) for piece in model.pieces]
    never = [i for i, piece in enumerate(model.pieces) if piece.kind in (Kind.CONTROL, Kind.UNKNOWN, Kind.UNUSED)]
    added = [added_token(i, model.pieces[i].text) for i in never]
    if model.algorithm == BPE:
        unknown = model.pieces[model.unknown].text
        cut = bpe({name: i for i, (name, _) in enumerate(scores)}, merges(model), unknown=unknown)
    else:
        cut = unigram(scores, unknown=model.unknown)
    return engine(cut | {"byte_fallback": model.byte_fallback}, added=added)


def merges(model: SentencePieceFile) -> list[list[str]]:
    """All pairs of pieces that make a piece, the best piece first: SentencePiece merges whatever makes a piece."""
    ids = {piece.text: i for i, piece in enumerate(model.pieces) if piece.kind == Kind.NORMAL}
    best_first = sorted(ids, key=lambda name: (-model.pieces[ids[name]].score, ids[name]))
    return [
        [name[:cut], name[cut:]]
        for name in best_first
        for cut in sorted(range(1, len(name)), key=lambda cut: (ids.get(name[:cut], 0), ids.get(name[cut:], 0)))
        if name[:cut] in ids and name[cut:] in ids
    ]


def unigram(scores: Scores, *, unknown: int) -> Engine:
    """Kudo 2018, https://arxiv.org/abs/1804.10959: the likeliest row of pieces."""
    return {
        "type": "Unigram",
        "unk_id": unknown,
        "vocab": [[name, score] for name, score in scores],
        "byte_fallback": False,
    }


def bpe(ids: Mapping[str, int], pairs: Sequence[Sequence[str]], *, unknown: str | None) -> Engine:
    """Merges, the first first; characters without a token are `unknown`, one for several in a row."""
    return {
        "type": "BPE",
        "dropout": None,
        "unk_token": unknown,
        "continuing_subword_prefix": "" if unknown is None else None,
        "end_of_word_suffix": "" if unknown is None else None,
        "fuse_unk": unknown is not None,
        "byte_fallback": False,
        "ignore_merges": False,
        "vocab": dict(ids),
        "merges": [list(pair) for pair in pairs],
    }


def normaliser(charsmap: bytes, *others: Engine) -> Engine | None:
    """The rules of a SentencePiece model, as the library applies them, and others."""
    rules = {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(charsmap).decode("ascii")}
    every = [rules, *others] if charsmap else [*others]
    return {"type": "Sequence", "normalizers": every} if every else None


def added_token(i: int, name: str, *, special: bool = True, before: bool = False) -> Engine:
    """A token that is no outcome of cutting; with `before` it takes the white space before it."""
    return {
        "id": i,
        "content": name,
        "single_word": False,
        "lstrip": before,
        "rstrip": False,
        "normalized": False,
        "special": special,
    }


def engine(
    model: Engine,
    *,
    added: Iterable[Engine] = (),
    normalizer: Engine | None = None,
    pre_tokenizer: Engine | None = None,
    decoder: Engine | None = None,
) -> Engine:
    """A whole definition."""
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": sorted(added, key=lambda token: token["id"]),
        "normalizer": normalizer,
        "pre_tokenizer": pre_tokenizer,
        "post_processor": None,
        "decoder": decoder,
        "model": model,
    }
