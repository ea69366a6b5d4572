"""Text to ids with a definition of `tokenizers`, and for each id the span of the text as given."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

from tokenizers import Encoding as Found
from tokenizers import Tokenizer as Engine

from weft.data.borrowed_definition import Reading
from weft.data.charsmap import Charsmap
from weft.data.rewriting import SPACE, Rewrite, Rewritten, by_letters, sentencepiece, unchanged
from weft.data.tokenizer import Encoding, Span
from weft.data.utf8 import checked

_SPACES = (SPACE, "Ġ")
"""What is put before texts or words."""
_NEVER = " "
"""At the end of a name, so that no text holds it: spaces are visible ones by the time that pieces are looked for."""


class Reader:
    """Reads the texts of one side."""

    def __init__(self, reading: Reading, *, readable: Sequence[str], unknown: int | None) -> None:
        """ValueError if the library cannot run the definition. `unknown` is the id of what no token stands for."""
        self._rewrite, definition = _rewriting(reading)
        self._engine = _engine(definition, frozenset(readable))
        self._spaces = {self._engine.token_to_id(space) for space in _SPACES}
        self._names = None if reading.vocabulary is None else _Names(reading, self._engine, unknown)
        self.vocabulary_size: int = (
            len(reading.vocabulary) if reading.vocabulary is not None else self._engine.get_vocab_size()
        )

    def encode(self, text: str) -> Encoding:
        """As `TextTokenizer.encode`."""
        checked(text)
        normal = self._rewrite(text)
        found = self._engine.encode(normal.text, add_special_tokens=False)
        return Encoding(self._named(found, normal.text), self._spans(found, normal))

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """As `TextTokenizer.encode_batch`."""
        for text in texts:
            checked(text)
        normal = [self._rewrite(text).text for text in texts]
        found = self._engine.encode_batch(normal, add_special_tokens=False)
        return [self._named(each, text) for each, text in zip(found, normal, strict=True)]

    def _named(self, found: Found, text: str) -> list[int]:
        ids: list[int] = found.ids
        return ids if self._names is None else self._names.of(ids, found.offsets, text)

    def _spans(self, found: Found, normal: Rewritten) -> list[Span]:
        """Spans without the spaces before words; a space that was put there stands for nothing."""
        spans: list[Span] = []
        following = [*(start for start, _ in found.offsets[1:]), -1][: len(found.offsets)]
        for i, (start, end), after in zip(found.ids, found.offsets, following, strict=True):
            put_there = start == end or (i in self._spaces and start == after)
            begin = start if put_there else _word(normal.text, start, end)
            first = int(normal.starts[min(begin, len(normal.starts) - 1)])
            spans.append((first, first if put_there else int(normal.ends[end - 1])))
        return spans


class _Names:
    """From the engine's ids to those of a vocabulary that is shared with another engine."""

    def __init__(self, reading: Reading, engine: Engine, unknown: int | None) -> None:
        if unknown is None:
            raise ValueError("a vocabulary of its own needs an unknown token")
        self._vocabulary = {name: i for i, name in enumerate(reading.vocabulary or ())}
        self._unknown, self._engine_unknown = unknown, _unknown(reading.engine)
        self._ids = {i: self._vocabulary.get(name, unknown) for name, i in engine.get_vocab().items()}

    def of(self, ids: Sequence[int], places: Sequence[Span], text: str) -> list[int]:
        """What this engine does not know may still be a token: of the other side."""
        return [
            self._vocabulary.get(text[slice(*place)], self._unknown) if i == self._engine_unknown else self._ids[i]
            for i, place in zip(ids, places, strict=True)
        ]


def _word(text: str, start: int, end: int) -> int:
    """Where the word of a token begins, behind its spaces; where the token does if it is nothing but spaces."""
    begin = start
    while begin < end and (text[begin] == SPACE or text[begin].isspace()):
        begin += 1
    return start if begin == end else begin


def _rewriting(reading: Reading) -> tuple[Rewrite, dict[str, Any]]:
    """What rewrites texts first, and the definition of the engine without it."""
    about, engine = reading.rewriting, reading.engine
    if about is not None:
        rules = Charsmap(base64.b64decode(about.charsmap))
        rewrite = sentencepiece(rules, dummy_prefix=about.dummy_prefix, remove_extra_spaces=about.remove_extra_spaces)
        return rewrite, engine
    normalizer = engine.get("normalizer") or {"type": "Sequence", "normalizers": []}
    steps = normalizer["normalizers"] if normalizer["type"] == "Sequence" else [normalizer]
    if not steps or steps[0]["type"] != "Precompiled":
        return unchanged, engine
    left = {"type": "Sequence", "normalizers": steps[1:]} if steps[1:] else None
    return by_letters(Charsmap(base64.b64decode(steps[0]["precompiled_charsmap"]))), engine | {"normalizer": left}


def _engine(definition: dict[str, Any], readable: frozenset[str]) -> Engine:
    """The Rust tokenizer of a definition, to which a text is a text: `</s>` in it is four characters."""
    left_out = dict.fromkeys(("post_processor", "decoder", "truncation", "padding"))
    hidden = {token["content"] for token in definition["added_tokens"] if token["special"]} - readable
    added = [
        token | ({"content": token["content"] + _NEVER} if token["content"] in hidden else {"special": False})
        for token in definition["added_tokens"]
    ]
    model = definition["model"]
    if model.get("type") == "Unigram":  # it finds every token of its vocabulary in a text; BPE only what merges make
        renamed = list(model["vocab"])
        for token in definition["added_tokens"]:
            if token["content"] in hidden and token["id"] < len(renamed):
                renamed[token["id"]] = [token["content"] + _NEVER, renamed[token["id"]][1]]
        model = model | {"vocab": renamed}
    else:
        added = [token | {"content": token["content"].removesuffix(_NEVER)} for token in added]
    try:
        engine = Engine.from_str(json.dumps(definition | left_out | {"added_tokens": added, "model": model}))
    except Exception as error:  # the library raises bare Exception
        raise ValueError(str(error)) from error
    engine.encode_special_tokens = True
    return engine


def _unknown(engine: dict[str, Any]) -> int:
    """The engine's own id of what it does not know."""
    model = engine["model"]
    found: int = model["unk_id"] if model["type"] == "Unigram" else model["vocab"][model["unk_token"]]
    return found
