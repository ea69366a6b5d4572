"""The files of a checkpoint that are about its tokenizer, read for what they say of special tokens and languages."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from weft.base.errors import DataError
from weft.interop.checkpoint import read_json

ENGINE, SETTINGS, SPECIALS_MAP, CONFIG = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "config.json",
)
_ROLES = tuple(f"{role}_token" for role in ("bos", "eos", "unk", "pad", "sep", "cls", "mask"))
_LISTS = ("additional_special_tokens", "extra_special_tokens")


@dataclass(frozen=True)
class TokenizerFiles:
    """A folder; what is not there is empty."""

    folder: Path

    @cached_property
    def settings(self) -> dict[str, Any]:
        """`tokenizer_config.json`."""
        return self._optional(SETTINGS)

    @cached_property
    def config(self) -> dict[str, Any]:
        """`config.json` of the model."""
        return self._optional(CONFIG)

    @property
    def class_name(self) -> str:
        """The class that its makers run it with, without "Fast"; empty if they do not say."""
        name = self.settings.get("tokenizer_class") or self.config.get("tokenizer_class") or ""
        return str(name).removesuffix("Fast")

    def name(self, which: str, default: str) -> str:
        """A special token by its role, such as `eos_token`."""
        said = self.settings.get(which) or self._optional(SPECIALS_MAP).get(which) or default
        return _content(said)

    def extra(self) -> list[str]:
        """Further special tokens, in order."""
        found: list[str] = []
        for settings in (self.settings, self._optional(SPECIALS_MAP)):
            for key in _LISTS:
                said = settings.get(key) or []
                found += [_content(token) for token in (said.values() if isinstance(said, dict) else said)]
        return list(dict.fromkeys(found))

    def added(self) -> dict[str, int]:
        """Tokens with the ids that they were added at."""
        decoder = self.settings.get("added_tokens_decoder") or {}
        return self._optional("added_tokens.json") | {_content(token): int(i) for i, token in decoder.items()}

    def special(self) -> set[str]:
        """Tokens that are said to be special, whether or not the vocabulary has them."""
        decoder = (self.settings.get("added_tokens_decoder") or {}).values()
        said = [settings.get(role) for settings in (self.settings, self._optional(SPECIALS_MAP)) for role in _ROLES]
        added = (_content(token) for token in decoder if token.get("special"))
        return {*added, *(_content(token) for token in said if token), *self.extra()}

    def holds(self, *names: str) -> bool:
        """Whether these files are there."""
        return all((self.folder / name).is_file() for name in names)

    def path(self, *names: str) -> Path:
        """The first of these files that is there; DataError if none is."""
        for name in names:
            if (self.folder / name).is_file():
                return self.folder / name
        raise DataError(f"{self.folder}: wanted {' or '.join(names)}, got none; fetch the checkpoint again")

    def vocabulary(self, name: str) -> list[str]:
        """The tokens of a file of names and ids, by id; DataError if it is none."""
        path = self.path(name)
        ids = read_json(path)
        if not ids or not all(isinstance(i, int) and 0 <= i < 1 << 24 for i in ids.values()):
            raise DataError(f"{path}: wanted tokens and their ids, got something else; fetch the checkpoint again")
        found = [""] * (max(ids.values()) + 1)
        for token, i in ids.items():
            found[i] = token
        return found

    def _optional(self, name: str) -> dict[str, Any]:
        return read_json(self.folder / name) if self.holds(name) else {}


def _content(token: Any) -> str:
    """A token as some files write it: plain, or with what it does to white space."""
    return str(token["content"]) if isinstance(token, dict) else str(token)
