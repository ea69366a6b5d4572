"""What each family's files say: how texts become ids, which tokens are special, which stand for languages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from weft.base.errors import DataError, UnsupportedError
from weft.data.borrowed_definition import Reading, Writing
from weft.interop import engines
from weft.interop.checkpoint import read_json
from weft.interop.engines import added_token
from weft.interop.language_codes import M2M_100, WMT_21
from weft.interop.languages import code_of
from weft.interop.sentencepiece_file import Kind, SentencePieceFile, read_sentencepiece
from weft.interop.tokenizer_files import ENGINE, TokenizerFiles

LANGUAGE = re.compile(r"[a-z]{2,3}_([A-Z]{2}|[A-Z][a-z]{3})")
SENTINEL = re.compile(r"<extra_id_\d+>|<mask\w*>|\[MASK\]")
_TIMESTAMP = re.compile(r"<\|\d+\.\d+\|>")


@dataclass(frozen=True)
class Parts:
    """What is read from files; the frame and the plain codes come on top."""

    source: Reading
    tokens: list[str]
    """By id, of the side that is written with."""
    silent: frozenset[str]
    writing: Writing
    codes: tuple[tuple[str, int], ...] = ()
    """What the checkpoint calls its languages, and the ids of their tokens."""
    target: Reading | None = None


def marian(files: TokenizerFiles) -> Parts:
    """Two SentencePiece models and the vocabulary that they share, or one each."""
    tokens = files.vocabulary("vocab.json")
    own = files.holds("target_vocab.json") and bool(files.settings.get("separate_vocabs"))
    written = files.vocabulary("target_vocab.json") if own else tokens
    models = [read_sentencepiece(files.path(name)) for name in ("source.spm", "target.spm")]
    codes = tuple((code, i) for i, token in enumerate(tokens) if token.startswith(">>") and (code := code_of(token)))
    silent = {files.name("eos_token", "</s>"), files.name("unk_token", "<unk>"), files.name("pad_token", "<pad>")}
    silent |= {tokens[i] for _, i in codes}
    silent |= {piece.text for model in models for piece in model.pieces if piece.kind == Kind.CONTROL}
    source, target = (_pieces(model, many) for model, many in zip(models, (tokens, written), strict=True))
    return Parts(source, written, frozenset(silent), "stripped", codes, target)


def m2m100(files: TokenizerFiles) -> Parts:
    """One SentencePiece model, a vocabulary, and languages behind it."""
    tokens = files.vocabulary("vocab.json")
    listed = WMT_21 if files.settings.get("language_codes") == "wmt21" else M2M_100
    codes = tuple((code, len(tokens) + i) for i, code in enumerate(listed))
    tokens = [*tokens, *(f"__{code}__" for code in listed)]
    model = read_sentencepiece(files.path("sentencepiece.bpe.model", "spm.model", "spm.128k.model"))
    silent = {"<s>", "</s>", "<pad>", "<unk>"} | {tokens[i] for _, i in codes}
    return Parts(_pieces(model, tokens), tokens, frozenset(silent), "stripped", codes)


def _pieces(model: SentencePieceFile, tokens: list[str]) -> Reading:
    """Read as SentencePiece itself does."""
    return Reading(engine=engines.sentencepiece(model), rewriting=engines.rewriting(model), vocabulary=tuple(tokens))


def as_it_stands(files: TokenizerFiles) -> Parts:
    """A definition of `tokenizers`."""
    path = files.path(ENGINE)
    definition = read_json(path)
    if not {"model", "added_tokens"} <= definition.keys() or definition["model"].get("type") not in ("Unigram", "BPE"):
        raise UnsupportedError(
            f"{path}: wanted a definition of a Unigram or BPE tokenizer, got another; weft reads these"
        )
    return parts_of(definition, writing=_writing(definition.get("decoder"), str(path)))


def parts_of(definition: dict[str, Any], *, writing: Writing) -> Parts:
    model, added = definition["model"], definition["added_tokens"]
    pairs = enumerate(name for name, _ in model["vocab"]) if model["type"] == "Unigram" else _turned(model["vocab"])
    names = dict(pairs) | {token["id"]: token["content"] for token in added}
    special = {token["content"] for token in added if token["special"]}
    silent = special | {name for name in names.values() if _TIMESTAMP.fullmatch(name)}
    codes = ((name if LANGUAGE.fullmatch(name) else code_of(name), i) for i, name in names.items() if name in special)
    tokens = [names.get(i, "") for i in range(max(names) + 1)]
    found = tuple((code, i) for code, i in codes if code)
    return Parts(Reading(engine=definition), tokens, frozenset(silent), writing, found)


def _turned(ids: dict[str, int]) -> Iterable[tuple[int, str]]:
    return ((i, name) for name, i in ids.items())


def _writing(decoder: Any, where: str) -> Writing:
    """How a decoder writes; UnsupportedError for one that weft does not know."""
    kinds = [part["type"] for part in (decoder or {}).get("decoders", [decoder or {"type": "none"}])]
    if kinds in (["Metaspace"], ["ByteLevel"]):
        return "words" if kinds == ["Metaspace"] else "bytes"
    if kinds[:1] == ["Replace"] and set(kinds) <= {"Replace", "ByteFallback", "Fuse", "Strip"}:
        return "spaces, first dropped" if "Strip" in kinds else "spaces"
    raise UnsupportedError(
        f"{where}: wanted a decoder of bytes or of pieces, got {', '.join(kinds)}; weft has no other"
    )


def bart(files: TokenizerFiles) -> Parts:
    """Tokens and merges over bytes, with special tokens as in fairseq."""
    return byte_level(files, special=("<s>", "</s>", "<pad>", "<unk>", "<mask>"))


def byte_level(files: TokenizerFiles, *, special: Iterable[str] = ("<|endoftext|>",)) -> Parts:
    """Tokens and merges of GPT-2's sort; `special` tokens are so without a file that says it."""
    if files.holds(ENGINE):
        return as_it_stands(files)
    tokens, path = files.vocabulary("vocab.json"), files.path("merges.txt")
    lines = [line for line in path.read_text(encoding="utf-8").split("\n") if line and not line.startswith("#version")]
    pairs = [line.split(" ") for line in lines]
    ids = {name: i for i, name in enumerate(tokens)}
    if not all(len(pair) == 2 and {*pair, "".join(pair)} <= ids.keys() for pair in pairs):
        raise DataError(f"{path}: wanted pairs of tokens that make a token, got others; fetch the checkpoint again")
    added = files.added()
    known = ids | added
    hidden = (files.special() | set(special)) & known.keys()
    definition = engines.engine(
        engines.bpe(ids, pairs, unknown=None),
        added=[
            added_token(known[name], name, special=name in hidden, before=name == "<mask>")
            for name in hidden | added.keys()
        ],
        pre_tokenizer=engines.BYTE_LEVEL | {"add_prefix_space": bool(files.settings.get("add_prefix_space"))},
        decoder=engines.BYTE_LEVEL,
    )
    return parts_of(definition, writing="bytes")


def or_as_it_stands(older: Callable[[TokenizerFiles], Parts]) -> Callable[[TokenizerFiles], Parts]:
    """Reads `tokenizer.json` if it is there, and the older files if not."""
    return lambda files: as_it_stands(files) if files.holds(ENGINE) else older(files)


def sentinels(tokens: Iterable[str]) -> tuple[str, ...]:
    """Special tokens that a text may name: what is to be filled in."""
    return tuple(name for name in tokens if SENTINEL.fullmatch(name))
