"""The language of the tables: which of weft's parameters is made of which tensors of a checkpoint."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from weft.base.errors import UnsupportedError

ZERO = "0"
"""In the place of a tensor: zeros for what a family does not have, such as a bias of keys, which changes nothing."""


@dataclass(frozen=True)
class Made:
    """A parameter made of tensors laid one below the other, each without its first `skip` rows.

    Where `ZERO` is among them, all have the same number of rows.
    `flat`: the tensors have one more axis of length 1 in front.
    """

    of: tuple[str, ...]
    skip: int = 0
    flat: bool = False


Rule: TypeAlias = "str | tuple[str, ...] | Made"
Table: TypeAlias = Mapping[str, Rule]
"""Modules of weft to modules of a checkpoint: `.weight` and `.bias` follow. Several names are laid one below the other,
as our projections of queries, keys and values are. Keys that end in `.weight` or `.bias` speak of that parameter alone,
and then their names are those of tensors. `{i}` and `{j}` are any number, the same on both sides."""


@dataclass(frozen=True)
class Tables:
    """The tensors that may hold source embedding, target embedding, output projection, and what they may share."""

    source: str
    target: str
    projection: str
    shared: str

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter((self.shared, self.source, self.target, self.projection))


@dataclass(frozen=True)
class Names:
    """All names of a family: the table, the three tables of tokens, and tensors that weft computes or does not need."""

    table: Table
    tokens: Tables
    computed: Mapping[str, str] = field(default_factory=dict)
    """Tables of positions that weft computes, to the module that does: they are compared, not read."""
    unused: tuple[str, ...] = ()
    """Patterns (regular expressions) of tensors that change nothing."""
    _rules: list[tuple[re.Pattern[str], Rule]] = field(init=False, repr=False, compare=False, default_factory=list)

    def __post_init__(self) -> None:
        self._rules.extend((_pattern(key), rule) for key, rule in self.table.items())

    def of(self, parameter: str) -> Made:
        """What a parameter of weft is made of; UnsupportedError if the family has no such thing."""
        module, _, kind = parameter.rpartition(".")
        for pattern, rule in self._rules:
            if found := pattern.fullmatch(parameter):
                return _made(rule, found.groupdict(), "")
            if found := pattern.fullmatch(module):
                return _made(rule, found.groupdict(), "." + kind)
        raise UnsupportedError(f"{parameter} has no place in this family of checkpoints; save it as a weft model")


def _pattern(key: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w)\\}", r"(?P<\1>\\d+)", re.escape(key)))


def _made(rule: Rule, numbers: Mapping[str, str], suffix: str) -> Made:
    if isinstance(rule, Made):
        return Made(_filled(rule.of, numbers, suffix), rule.skip, rule.flat)
    return Made(_filled((rule,) if isinstance(rule, str) else rule, numbers, suffix))


def _filled(names: Sequence[str], numbers: Mapping[str, str], suffix: str) -> tuple[str, ...]:
    return tuple(name.format(**numbers) + suffix for name in names)
