"""Byte-pair tokenizer: text to ids with spans, ids to text. Every byte is a token, so no input is unknown.

BPE: Sennrich et al. 2016, https://arxiv.org/abs/1508.07909, over bytes. The Rust library `tokenizers` trains and
merges; what a span is and how ids become text is decided here, from the bytes of each token alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, trainers
from tokenizers import Tokenizer as Engine

from weft.base.errors import ConfigError, DataError
from weft.data.compose import compose, nfc
from weft.data.direction import BOS as BOS
from weft.data.direction import EOS as EOS
from weft.data.direction import PAD as PAD
from weft.data.direction import Direction
from weft.data.pretokens import PATTERN, byte_alphabet
from weft.data.utf8 import checked, code_points, decode_lossy

FILE_NAME = "tokenizer.json"
_SPECIALS = ("<pad>", "<s>", "</s>")

Span = tuple[int, int]


@dataclass(frozen=True)
class Encoding:
    """Token ids, and for each the half-open span of code points of the text, as given, that it stands for."""

    ids: list[int]
    spans: list[Span]


class Merge(NamedTuple):
    """When a merge was learnt (0 is first, and first to be made) and the token it makes."""

    rank: int
    token: int


Merges = Mapping[tuple[int, int], Merge]


class Tokenizer:
    """Text to ids and back; `decode(encode(x).ids) == nfc(x)` for every text.

    One space is put before every text and taken off again: a word is the same token first or later in a sentence.
    """

    pad, bos, eos = PAD, BOS, EOS

    def __init__(self, definition: str) -> None:
        """From the text of a `tokenizer.json`; ValueError if it is none of ours."""
        self.definition = definition
        self._engine = _engine(definition)
        ids = self._engine.get_vocab(with_added_tokens=True)
        names = sorted(ids, key=ids.__getitem__)
        self._tags = _tags(names)
        first, byte_of = len(_SPECIALS) + len(self._tags), byte_alphabet()
        if not byte_of.keys() <= ids.keys() or not byte_of.keys() >= set("".join(names[first:])):
            raise ValueError("the vocabulary must be made of the 256 bytes, got other characters")
        self._bytes = [b"" if i < first else bytes(byte_of[c] for c in name) for i, name in enumerate(names)]
        self._byte_ids = {character: ids[character] for character in byte_of}
        self._lengths = np.array([len(token) for token in self._bytes], dtype=np.int64)
        self._indents = np.array(
            [len(token) > 1 and token[:1] == b" " and bool(token.strip()) for token in self._bytes]
        )

    @classmethod
    def train(cls, texts: Iterable[str], *, vocabulary_size: int, languages: Sequence[str]) -> Tokenizer:
        """A tokenizer of at most `vocabulary_size` tokens (fewer if the texts hold fewer pairs worth merging).

        Ids are `<pad>`, `<s>`, `</s>`, one tag `<2xx>` a language, the 256 bytes, then the merges. Raises ConfigError
        if the size leaves no room for these, or a language stands twice.
        """
        specials = [*_SPECIALS, *(f"<2{language}>" for language in languages)]
        if len(set(specials)) < len(specials):
            raise ConfigError(f"languages must differ, got {', '.join(languages)}; name each once")
        if vocabulary_size < len(specials) + 256:
            raise ConfigError(
                f"vocabulary_size must be at least {len(specials) + 256}, for 256 bytes and {len(specials)} special "
                f"tokens, got {vocabulary_size}; ask for more"
            )
        engine = _untrained()
        trainer = trainers.BpeTrainer(
            vocab_size=vocabulary_size,
            special_tokens=specials,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            min_frequency=2,
            show_progress=False,
        )
        engine.train_from_iterator(texts, trainer=trainer)
        return cls(engine.to_str(pretty=False))

    @property
    def vocabulary_size(self) -> int:
        return len(self._bytes)

    @property
    def languages(self) -> tuple[str, ...]:
        """The target languages that can be asked for."""
        return tuple(self._tags)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the content, in hex: equal for tokenizers that are equal."""
        return hashlib.sha256(self.definition.encode("utf-8")).hexdigest()

    def tag(self, language: str) -> int:
        """The id that asks for a target language; ConfigError names the languages there are."""
        if language not in self._tags:
            known = ", ".join(self._tags)
            raise ConfigError(f"language must be one of {known}, got {language!r}; choose one of these")
        return self._tags[language]

    @property
    def target(self) -> Tokenizer:
        """The tokenizer of what is written: this one, since source and target share a vocabulary."""
        return self

    def plain(self, language: str) -> str:
        """The language as it is: weft's own models are trained with plain codes."""
        return language

    def direction(self, to: str, from_: str | None = None) -> Direction:
        """What stands around ids when a text becomes one of this language; ConfigError names those there are."""
        return Direction(self.tag(to))

    def reading(self, from_: str | None = None, to: str | None = None) -> Direction:
        """What stands around the ids of a source, as far as its language and that of its translation matter to it."""
        return Direction(self.bos)

    def encode(self, text: str) -> Encoding:
        """Ids without specials, and their spans in the text as given.

        A token with a leading space does not span the space; tokens that are part of one code point all span it.
        """
        if not text:
            return Encoding([], [])
        composed = compose(text)
        places = code_points(checked(composed.text))
        ids: list[int] = self._engine.encode(" " + composed.text, add_special_tokens=False).ids
        starts, ends = self._byte_bounds(ids)
        # A token that is nothing but the space put before the text stands for none of it: its span is empty.
        firsts = composed.starts[places[np.maximum(starts - 1, 0)]]
        lasts = np.where(ends > 1, composed.ends[places[np.maximum(ends - 2, 0)]], 0)
        return Encoding(ids, list(zip(firsts.tolist(), lasts.tolist(), strict=True)))

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text, as `encode` gives them, on all cores (`TOKENIZERS_PARALLELISM=false`: on one)."""
        prepared = [" " + nfc(text) if text else "" for text in texts]
        for text in prepared:
            checked(text)
        return [encoding.ids for encoding in self._engine.encode_batch_fast(prepared, add_special_tokens=False)]

    def decode(self, ids: Iterable[int]) -> str:
        """The text of the ids: specials are skipped, bytes that are no UTF-8 become U+FFFD."""
        return b"".join(self._bytes[i] for i in ids).removeprefix(b" ").decode("utf-8", errors="replace")

    def token_spans(self, ids: Sequence[int]) -> tuple[str, list[Span]]:
        """The decoded text, and for each id its span in that text; the span of a special is empty.

        As in `encode`, leading spaces are left out and tokens that are part of one code point all span it.
        """
        raw = b"".join(self._bytes[i] for i in ids)
        cut = int(raw.startswith(b" "))
        text, places = decode_lossy(raw[cut:])
        starts, ends = (np.maximum(bounds - cut, 0) for bounds in self._byte_bounds(ids))
        inside = np.append(places, len(text))
        firsts = inside[starts]
        lasts = np.where(ends > starts, inside[np.maximum(ends - 1, 0)] + 1, firsts)
        return text, list(zip(firsts.tolist(), lasts.tolist(), strict=True))

    def bounds_in_bytes(self, ids: Sequence[int] | NDArray[np.int32]) -> NDArray[np.int64]:
        """Start and end of each token in the bytes of the text they were cut from, in NFC, `[m 2]`.

        A leading space is left out; the space that is put before every text stands before byte 0.
        """
        return np.stack(self._byte_bounds(ids), 1) - 1

    def merges(self) -> Merges:
        """All merges by the pair of ids that they join."""
        model = json.loads(self.definition)["model"]
        ids: dict[str, int] = model["vocab"]
        pairs = [pair.split(" ") if isinstance(pair, str) else pair for pair in model["merges"]]
        return {(ids[left], ids[right]): Merge(rank, ids[left + right]) for rank, (left, right) in enumerate(pairs)}

    def pieces(self, text: str) -> list[str]:
        """The parts of the text that merging works inside, in the byte alphabet."""
        checked(text)
        pieces = self._engine.pre_tokenizer.pre_tokenize_str(" " + nfc(text)) if text else []
        return [piece for piece, _ in pieces]

    def byte_ids(self, piece: str) -> list[int]:
        """The ids of the bytes of a piece: what merging begins with."""
        return [self._byte_ids[character] for character in piece]

    def save(self, folder: Path) -> None:
        """Writes `tokenizer.json` into the folder."""
        (folder / FILE_NAME).write_text(self.definition, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Tokenizer:
        """The tokenizer of a model folder; DataError if the file is missing or none of ours."""
        path = folder / FILE_NAME
        try:
            return cls(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise DataError(f"{path}: wanted a tokenizer, got: {error.strerror}; is this a model folder?") from error
        except ValueError as error:
            raise DataError(f"{path}: wanted a weft tokenizer, got: {error}; fetch the model again") from error

    def _byte_bounds(self, ids: Sequence[int] | NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Start (after a leading space) and end of each token, in bytes of all tokens joined."""
        index = np.array(ids, dtype=np.int64)
        ends = np.cumsum(self._lengths[index])
        return ends - self._lengths[index] + self._indents[index], ends


def _untrained() -> Engine:
    """Byte-level BPE without a vocabulary, complete enough for other programs to read what it saves."""
    engine = Engine(models.BPE())
    engine.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Prepend(" ")])
    engine.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    engine.decoder = decoders.Sequence([decoders.ByteLevel(), decoders.Strip(" ", left=1, right=0)])
    return engine


def _engine(definition: str) -> Engine:
    """The Rust tokenizer of a definition, taking NFC text and reading `</s>` in a text as four characters."""
    try:
        engine = Engine.from_str(definition)
    except Exception as error:  # the library raises bare Exception
        raise ValueError(str(error)) from error
    engine.normalizer = None  # Python composes: two Unicode versions would disagree about spans
    engine.encode_special_tokens = True
    return engine


def _tags(names: Sequence[str]) -> dict[str, int]:
    """Language to id, read from the `<2xx>` tokens that follow the other specials."""
    if tuple(names[: len(_SPECIALS)]) != _SPECIALS:
        raise ValueError(f"the first tokens must be {', '.join(_SPECIALS)}, got {', '.join(names[: len(_SPECIALS)])}")
    tags = takewhile(lambda name: name.startswith("<2") and name.endswith(">"), names[len(_SPECIALS) :])
    return {name[2:-1]: i for i, name in enumerate(tags, start=len(_SPECIALS))}
