"""The tokenizer of a checkpoint, as one that weft runs and stores in one file."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from weft.base.errors import DataError, UnsupportedError
from weft.data.borrowed import BorrowedTokenizer
from weft.data.borrowed_definition import FROM, TO, Around, Definition, Slot
from weft.interop import tokenizer_parts as parts
from weft.interop import tokenizer_pieces as pieces
from weft.interop.generation import Specials
from weft.interop.languages import full_code, plain_codes
from weft.interop.read import Description
from weft.interop.tokenizer_files import TokenizerFiles
from weft.interop.tokenizer_parts import Parts

START, END, BEGIN = "start", "end", "begin"
"""Slots for the special ids that the model's own files tell: what the decoder starts with, `</s>` and `<s>`."""


@dataclass(frozen=True)
class Family:
    """Which files a class of tokenizers reads, and what it puts around a source."""

    read: Callable[[TokenizerFiles], Parts]
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = (END,)
    start: str = START
    forced: tuple[str, ...] = ()


FAMILIES: dict[str, Family] = {
    "MarianTokenizer": Family(parts.marian, before=(TO,)),
    "M2M100Tokenizer": Family(parts.m2m100, before=(FROM,), forced=(TO,)),
    "NllbTokenizer": Family(parts.or_as_it_stands(pieces.nllb), before=(FROM,), forced=(TO,)),
    "MBartTokenizer": Family(parts.or_as_it_stands(pieces.mbart), after=(END, FROM), start=TO),
    "MBart50Tokenizer": Family(parts.or_as_it_stands(pieces.mbart50), before=(FROM,), forced=(TO,)),
    "BartTokenizer": Family(parts.bart, before=(BEGIN,)),
    "RobertaTokenizer": Family(parts.bart, before=(BEGIN,)),
    "T5Tokenizer": Family(parts.or_as_it_stands(pieces.t5)),
    "PegasusTokenizer": Family(parts.or_as_it_stands(pieces.pegasus)),
    "GPT2Tokenizer": Family(parts.byte_level, after=()),
    "XLMRobertaTokenizer": Family(parts.as_it_stands, before=(BEGIN,)),
    "WhisperTokenizer": Family(parts.byte_level, after=(), forced=(TO, "<|transcribe|>", "<|notimestamps|>")),
}
"""By the class that transformers runs; a slot is a role, a language, or a token."""
USUAL = {
    "marian": "MarianTokenizer",
    "m2m_100": "M2M100Tokenizer",
    "mbart": "MBartTokenizer",
    "bart": "BartTokenizer",
    "t5": "T5Tokenizer",
    "mt5": "T5Tokenizer",
    "umt5": "T5Tokenizer",
    "pegasus": "PegasusTokenizer",
    "whisper": "WhisperTokenizer",
    "vision-encoder-decoder": "RobertaTokenizer",
}
"""The class of a `model_type`, where no file names one."""
_PROMPT = re.compile(r"translation_([a-z]{2,3})_to_([a-z]{2,3})")


def read_tokenizer(folder: Path, about: Description, *, languages: tuple[str, str] | None = None) -> BorrowedTokenizer:
    """The tokenizer beside a checkpoint.

    `languages` are source and target of a model that knows of one direction, if its files do not say. Raises
    UnsupportedError for a tokenizer that weft cannot run, DataError for files that are missing, damaged, or of another
    model.
    """
    shape = about.shape
    return tokenizer_of(
        folder,
        model_type=about.model_type,
        specials=about.specials,
        sizes=(shape.vocabulary_size, shape.target_vocabulary_size or shape.vocabulary_size),
        languages=languages,
    )


def tokenizer_of(
    folder: Path,
    *,
    model_type: str,
    specials: Specials,
    sizes: tuple[int, int] | None = None,
    languages: tuple[str, str] | None = None,
) -> BorrowedTokenizer:
    """As `read_tokenizer`; `sizes` are the numbers of ids that the model has for sources and targets."""
    files = TokenizerFiles(folder)
    name = _class(files, model_type)
    found = FAMILIES[name].read(files)
    _check_fit(found, specials, sizes, where=str(folder))
    plain, ids = plain_codes(code for code, _ in found.codes), dict(found.codes)
    written = sizes[1] if sizes else len(found.tokens)
    definition = Definition(
        family=name.removesuffix("Tokenizer").lower(),
        source=found.source,
        target=found.target,
        sizes=sizes,
        pad=specials.pad,
        eos=specials.eos,
        bos=specials.bos,
        unknown=_unknown(found, files),
        silent=tuple(i for i, token in enumerate(found.tokens) if token in found.silent),
        readable=parts.sentinels(token for token in found.tokens[:written] if token in found.silent),
        writing=found.writing,
        around=_around(FAMILIES[name], found, specials, files),
        languages={short: ids[code] for short, code in plain.items()} or _one_way(languages, files),
        names={code: short for short, code in plain.items() if code != short},
        prompts=_prompts(files),
    )
    try:
        return BorrowedTokenizer(definition.model_dump_json())
    except ValueError as error:
        raise DataError(f"{folder}: wanted a tokenizer, got: {error}; fetch the checkpoint again") from error


def _check_fit(found: Parts, specials: Specials, sizes: tuple[int, int] | None, *, where: str) -> None:
    """DataError if special ids have no token, or a token that texts are made of has no place in the model."""
    named = {"pad": specials.pad, "eos": specials.eos, "start": specials.start}
    lost = [f"{role} {i}" for role, i in named.items() if i >= len(found.tokens)]
    if lost:
        raise DataError(
            f"{where}: wanted a tokenizer of the model, got {len(found.tokens)} tokens, and config.json says "
            f"{', '.join(lost)}; fetch both from one place"
        )
    read = found.source.vocabulary or found.tokens
    for size, tokens in zip(sizes or (), (read, found.tokens), strict=False):
        beyond = [token for token in tokens[size:] if token and token not in found.silent]
        if beyond:
            raise DataError(
                f"{where}: wanted a tokenizer of at most {size} tokens, as the model has, got {len(tokens)}, such as "
                f"{beyond[-1]!r}; this tokenizer belongs to another model"
            )


def source_language(folder: Path) -> str | None:
    """The source language of a model of one direction, in its plain code, if its files say it."""
    said = TokenizerFiles(folder).settings.get("source_lang")
    return full_code(str(said)) if said else None


def _class(files: TokenizerFiles, model_type: str) -> str:
    """The class of the tokenizer; UnsupportedError for one that weft cannot run."""
    name = files.class_name
    if name in FAMILIES:
        return name
    if model_type == "m2m_100" and not files.holds("vocab.json"):
        return "NllbTokenizer"
    if name not in ("", "PreTrainedTokenizer", "TokenizersBackend") or model_type not in USUAL:
        raise UnsupportedError(
            f"{files.folder}: wanted one of {', '.join(FAMILIES)}, got {name or model_type}; weft has no other yet"
        )
    return USUAL[model_type]


def _around(family: Family, found: Parts, specials: Specials, files: TokenizerFiles) -> Around:
    """The frame: roles become ids, languages stay open."""
    ids = {token: i for i, token in enumerate(found.tokens)}
    roles: dict[str, Slot | None] = {START: specials.start, END: specials.eos, BEGIN: specials.bos, FROM: FROM, TO: TO}
    first = family.before
    after, forced = family.after, family.forced
    if files.settings.get("legacy_behaviour") and FROM in first:
        first, after = (), (*after, FROM)
    if not found.codes:
        first, after, forced = (
            tuple(slot for slot in many if slot not in (FROM, TO)) for many in (first, after, forced)
        )

    def filled(many: tuple[str, ...]) -> tuple[Slot, ...]:
        slots = (roles.get(slot, ids.get(slot)) for slot in many)
        return tuple(slot for slot in slots if slot is not None)

    last = filled(forced) or (() if specials.forced_first is None else (specials.forced_first,))
    [start] = filled((family.start if found.codes else START,))
    return Around(start=start, before=filled(first), after=filled(after), forced=last)


def _unknown(found: Parts, files: TokenizerFiles) -> int | None:
    name = files.name("unk_token", "<unk>")
    return found.tokens.index(name) if name in found.tokens else None


def _one_way(languages: tuple[str, str] | None, files: TokenizerFiles) -> dict[str, int | None]:
    """The target languages of a model whose vocabulary names none."""
    told = [to for _, to in (_PROMPT.fullmatch(key).groups() for key in _prompt_texts(files))]  # type: ignore[union-attr]
    if told:
        return dict.fromkeys(told)
    if languages:
        return {languages[1]: None}
    said = files.settings.get("target_lang")
    return {full_code(str(said)) or str(said): None} if said else {}


def _prompts(files: TokenizerFiles) -> dict[str, str]:
    """Directions to the words that ask for them, as T5's `config.json` lists them."""
    return {"-".join(_PROMPT.fullmatch(key).groups()): text for key, text in _prompt_texts(files).items()}  # type: ignore[union-attr]


def _prompt_texts(files: TokenizerFiles) -> dict[str, str]:
    asked = files.config.get("task_specific_params") or {}
    return {key: str(about["prefix"]) for key, about in asked.items() if _PROMPT.fullmatch(key) and about.get("prefix")}
