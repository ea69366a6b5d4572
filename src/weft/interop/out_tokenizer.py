"""Weft's tokenizer as transformers and `tokenizers` load it: the same ids, with `</s>` behind them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer as Engine
from tokenizers import processors

from weft.base.errors import ConfigError, UnsupportedError
from weft.data.tokenizer import BOS, EOS, FILE_NAME, PAD, Tokenizer
from weft.interop.checkpoint import read_json
from weft.interop.generation import Specials
from weft.store.config import LanguagePair
from weft.store.folder import StoredModel

CONFIG = "tokenizer_config.json"
_LANGUAGES = "weft_languages"


def own_tokenizer(stored: StoredModel) -> Tokenizer:
    """The tokenizer of a model, if it is weft's own; UnsupportedError for one that came with a checkpoint."""
    if not isinstance(stored.tokenizer, Tokenizer):
        raise UnsupportedError(
            f"{stored.folder}: wanted a model with a tokenizer of weft's own, got one that came with a checkpoint; "
            "the checkpoint it was made of is that model for transformers already, and CTranslate2's own converter "
            "(ct2-transformers-converter) reads it"
        )
    return stored.tokenizer


def special_ids(stored: StoredModel) -> Specials:
    """The special ids of a model with weft's own tokenizer; the decoder starts with the tag of its first language.

    Raises ConfigError if the model names no language, UnsupportedError for a tokenizer of somebody else's.
    """
    own_tokenizer(stored)
    if not stored.config.languages:
        raise ConfigError(
            f"{stored.folder}: wanted a model that names its languages, got none; add them to config.json"
        )
    return Specials(pad=PAD, bos=BOS, eos=EOS, start=own_tokenizer(stored).tag(stored.config.languages[0].to))


def vocabulary(tokenizer: Tokenizer) -> list[str]:
    """The name of each id, in the alphabet of bytes."""
    ids = Engine.from_str(tokenizer.definition).get_vocab(with_added_tokens=True)
    return sorted(ids, key=ids.__getitem__)


def write_definition(tokenizer: Tokenizer, folder: Path) -> None:
    """Writes `tokenizer.json`; what it encodes ends with `</s>`."""
    engine = Engine.from_str(tokenizer.definition)
    end = vocabulary(tokenizer)[EOS]
    engine.post_processor = processors.TemplateProcessing(
        single=f"$A {end}", pair=f"$A {end} $B:1 {end}:1", special_tokens=[(end, EOS)]
    )
    (folder / FILE_NAME).write_text(engine.to_str(pretty=False), encoding="utf-8")


def read_own(folder: Path) -> Tokenizer | None:
    """Weft's own tokenizer out of a folder that it was written to; None if the folder holds another, or none."""
    try:
        definition = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
        return Tokenizer(Engine.from_str(json.dumps(definition | {"post_processor": None})).to_str(pretty=False))
    except Exception:  # the library raises bare Exception for what is no tokenizer of its kind
        return None


def own_languages(folder: Path) -> tuple[LanguagePair, ...]:
    """The directions of a model of weft's in a folder that it was written to."""
    pairs = read_json(folder / CONFIG).get(_LANGUAGES) or []
    return tuple(LanguagePair(from_=from_, to=to) for from_, to in pairs)


def write_tokenizer(tokenizer: Tokenizer, folder: Path, *, pairs: Sequence[LanguagePair], longest: int) -> None:
    """Writes `tokenizer.json` and `tokenizer_config.json`.

    `</s>` in a text is read as four characters, as weft reads it. The first of `pairs` goes without saying.
    """
    write_definition(tokenizer, folder)
    names = vocabulary(tokenizer)
    about = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "pad_token": names[PAD],
        "bos_token": names[BOS],
        "eos_token": names[EOS],
        "additional_special_tokens": [names[tokenizer.tag(language)] for language in tokenizer.languages],
        "source_lang": pairs[0].from_,
        "target_lang": pairs[0].to,
        _LANGUAGES: [[pair.from_, pair.to] for pair in pairs],
        "split_special_tokens": True,
        "clean_up_tokenization_spaces": False,
        "model_max_length": longest,
        "model_input_names": ["input_ids", "attention_mask"],
    }
    (folder / CONFIG).write_text(json.dumps(about, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
