"""What one search works on, once checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from weft.base.errors import ConfigError, ShapeError
from weft.base.shapes import Int, Tensor
from weft.generation.constraints import Constraints, Forced
from weft.generation.settings import SearchSettings
from weft.generation.stop import length_limits


@dataclass(frozen=True)
class Task:
    """Start tokens and length limits of all sources, `[b]`, the end token, the forced prefixes and the settings."""

    start: Int[Tensor, " b"]
    limits: Int[Tensor, " b"]
    eos: int
    forced: Forced
    settings: SearchSettings

    def constraints(self, width: int) -> Constraints:
        """Fresh rules for `width` hypotheses of every source."""
        return Constraints(self.settings, self.forced, start=self.start, limits=self.limits, eos=self.eos, width=width)


def checked(
    *,
    start: Int[Tensor, " b"],
    source_lengths: Int[Tensor, " b"],
    eos: int,
    settings: SearchSettings,
    prefix: Sequence[Sequence[int]] | None,
    vocabulary_size: int,
) -> Task:
    """The task, or `ShapeError` / `ConfigError` before any work."""
    prefix = [()] * len(start) if prefix is None else prefix
    if not len(start) == len(source_lengths) == len(prefix):
        raise ShapeError(
            f"start, source_lengths and prefix must have one entry for each source, got {len(start)}, "
            f"{len(source_lengths)} and {len(prefix)}; give an empty prefix where nothing is forced"
        )
    first = () if settings.forced_first is None else (settings.forced_first,)
    asked: dict[str, Sequence[Sequence[int]]] = {
        "eos": [(eos,)],
        "banned": [settings.banned],
        "banned_first": [settings.banned_first],
        "banned_sequences": settings.banned_sequences,
        "forced_first": [first],
        "prefix": prefix,
    }
    for name, rows in asked.items():
        wrong = [token for tokens in rows for token in tokens if not 0 <= token < vocabulary_size]
        if wrong:
            raise ConfigError(
                f"{name} must be ids below the vocabulary size {vocabulary_size}, got {wrong[0]}; "
                "are tokenizer and model a pair?"
            )
    for tokens in prefix:
        if eos in tokens[:-1]:
            raise ConfigError(
                f"a forced prefix may have </s> (id {eos}) at its end only, got {list(tokens)}; cut it there"
            )
    limits = length_limits(source_lengths.to(start.device), settings, [(*first, *tokens) for tokens in prefix])
    return Task(start, limits, eos, Forced.of([tuple(tokens) for tokens in prefix], settings, start.device), settings)
