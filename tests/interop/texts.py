"""Tiny checkpoints of every text family with the tokenizer of each, and how either program is asked to translate."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from tests.interop import tokenizer_folders as folders
from tests.interop.borrowed import make, save, transformers
from tests.interop.tokenizer_folders import MAKERS, write

from weft.interop.generation import Specials
from weft.interop.tokenizers import tokenizer_of

LONGEST = 17
END = 2.4
"""What makes `</s>` more probable, so that texts end at many lengths."""
SOURCES = [
    "the cat sat on a mat",
    "hello world",
    "le monde",
    "ab c abc",
    "the dog sat 123",
    "café naïve",
    "привет мир",
    "a dog",
    "bonjour the cat ab",
    "yes",
    "мир hello mat",
]


@dataclass(frozen=True)
class Kind:
    """A family of texts: a model of `borrowed`, the tokenizer beside it, and what each program wants to be told."""

    model: str
    tokens: str
    seed: int
    """Of weights with which texts are lively, as `test_opening_texts.py` asserts."""
    changes: dict[str, Any] = field(default_factory=dict)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What else stands in JSON files."""
    way: dict[str, str] = field(default_factory=lambda: {"to": "fr"})
    """What weft is told."""
    source: str | None = None
    """What transformers calls the source language."""
    first: str | None = None
    """The token that it forces first, or starts with."""
    prefix: str = ""
    """What it wants to read before each text."""


_START_1 = {"pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0}
_T5 = {"vocab_size": 178, **_START_1}
_PROMPTS = {"task_specific_params": {"translation_en_to_fr": {"prefix": "the cat to mat: "}}}
_MARIAN = {"pad_token_id": 101, "eos_token_id": 0, "decoder_start_token_id": 101}
KINDS: dict[str, Kind] = {
    "marian": Kind(
        "marian",
        "marian",
        3,
        {"vocab_size": 102, **_MARIAN},
        {"tokenizer_config.json": {"source_lang": "eng", "target_lang": "fra"}},
    ),
    "marian, many targets": Kind(
        "marian",
        "marian, many targets",
        43,
        {"vocab_size": 105, "pad_token_id": 104, "eos_token_id": 0, "decoder_start_token_id": 104},
        prefix=">>fra<< ",
    ),
    "marian, two vocabularies": Kind(
        "marian, two vocabularies",
        "marian",
        1,
        {"vocab_size": 102, "decoder_vocab_size": 102, **_MARIAN},
        {"tokenizer_config.json": {"separate_vocabs": True, "target_lang": "fra"}},
    ),
    "bart": Kind("bart", "bart", 28, {"vocab_size": 381}),
    "mbart": Kind(
        "mbart", "mbart", 29, {"vocab_size": 105}, way={"to": "fr", "from_": "en"}, source="en_XX", first="fr_XX"
    ),
    "mbart-50": Kind(
        "mbart", "mbart50", 12, {"vocab_size": 132}, way={"to": "fr", "from_": "en"}, source="en_XX", first="fr_XX"
    ),
    "pegasus": Kind("pegasus", "pegasus", 66, {"vocab_size": 181, **_START_1}),
    "m2m100": Kind(
        "m2m100", "m2m100", 77, {"vocab_size": 209}, way={"to": "fr", "from_": "en"}, source="en", first="__fr__"
    ),
    "nllb": Kind(
        "m2m100", "nllb", 26, {"vocab_size": 131}, way={"to": "fr", "from_": "en"}, source="eng_Latn", first="fra_Latn"
    ),
    "t5": Kind("t5", "t5", 4, _T5),
    "t5, asked in words": Kind("t5", "t5", 20, {**_T5, **_PROMPTS}, prefix="the cat to mat: "),
    "t5 v1.1, flan": Kind("t5 v1.1", "t5", 20, _T5),
    "mt5": Kind("mt5", "t5", 20, _T5),
    "umt5": Kind("umt5", "t5", 17, _T5),
}


def checkpoint(folder: Path, name: str) -> Any:
    """A lively model of transformers with the tokenizer of its family beside it, saved in a folder."""
    kind = KINDS[name]
    folder.mkdir()
    folders.MAKERS[kind.tokens][0](folder)
    for file, values in kind.files.items():
        write(folder / file, values)
    if kind.files.get("tokenizer_config.json", {}).get("separate_vocabs"):
        ids = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
        write(folder / "target_vocab.json", ids)
    theirs = make(kind.model, seed=kind.seed, end=END, **kind.changes)
    asked = theirs.generation_config
    silent = _without_text(folder, kind, theirs.config)
    asked.update(max_length=LONGEST, num_beams=4, length_penalty=1.7, no_repeat_ngram_size=2, suppress_tokens=silent)
    save(theirs, folder)
    return theirs


def _without_text(folder: Path, kind: Kind, config: Any) -> list[int]:
    """Ids that write nothing: texts of random models shall be texts."""
    special = {role: getattr(config, f"{role}_token_id", None) for role in ("pad", "eos", "bos")}
    specials = Specials(**special, start=config.decoder_start_token_id)
    size = getattr(config, "decoder_vocab_size", None) or config.vocab_size
    found = tokenizer_of(folder, model_type=MAKERS[kind.tokens][2], specials=specials, sizes=(config.vocab_size, size))
    first = found.direction(**kind.way).first
    return [i for i in range(size) if i not in (config.eos_token_id, first) and not found.target.decode([i]).strip()]


class Theirs:
    """A checkpoint as transformers runs it."""

    def __init__(self, model: Any, folder: Path, name: str) -> None:
        self.model, self.kind = model, KINDS[name]
        how = {} if self.kind.source is None else {"src_lang": self.kind.source}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.tokenizer = getattr(transformers, MAKERS[self.kind.tokens][1]).from_pretrained(folder, **how)

    def generate(self, texts: Sequence[str], **asked: Any) -> Any:
        """What it writes for a batch: sequences and scores."""
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            batch = self.tokenizer([self.kind.prefix + text for text in texts], padding=True, return_tensors="pt")
            batch.pop("token_type_ids", None)
            return self.model.generate(
                **batch, **self._first(), **asked, return_dict_in_generate=True, output_scores=True
            )

    def texts(self, sequences: torch.Tensor) -> list[str]:
        """The same as texts; the language that it is forced to name is none, though their M2M100 writes it out."""
        found = self.tokenizer.batch_decode(sequences, skip_special_tokens=True)
        return [text.removeprefix(self.kind.first or "").strip() for text in found]

    def _first(self) -> dict[str, int]:
        if self.kind.first is None:
            return {}
        token = self.tokenizer.convert_tokens_to_ids(self.kind.first)
        return {"decoder_start_token_id" if self.kind.tokens == "mbart" else "forced_bos_token_id": token}
