"""Many inputs as batches of like length, and their results back in the order of the inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from weft.base.errors import ConfigError

Item = TypeVar("Item")


def batches_by_length(
    lengths: Sequence[int], *, max_tokens: int | None = None, max_rows: int | None = None
) -> list[list[int]]:
    """The indices of all inputs, longest first, in batches of at most `max_rows` rows and `max_tokens` padded tokens.

    Longest first, so that a batch that does not fit in memory fails at once. An input longer than `max_tokens` is a
    batch of its own. Inputs of equal length keep their order. Raises `ConfigError` for a limit below 1.
    """
    for name, limit in [("max_tokens", max_tokens), ("max_rows", max_rows)]:
        if limit is not None and limit < 1:
            raise ConfigError(f"{name} must be at least 1, got {limit}; None means no limit")
    batches: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda place: -lengths[place]):
        if not batches or not _fits(len(batches[-1]) + 1, lengths[batches[-1][0]], max_tokens, max_rows):
            batches.append([])
        batches[-1].append(index)
    return batches


def _fits(rows: int, width: int, max_tokens: int | None, max_rows: int | None) -> bool:
    return (max_rows is None or rows <= max_rows) and (max_tokens is None or rows * width <= max_tokens)


def in_given_order(batches: Sequence[Sequence[int]], results: Sequence[Sequence[Item]]) -> list[Item]:
    """The results of each batch, put back where their inputs stood."""
    pairs = [pair for batch, found in zip(batches, results, strict=True) for pair in zip(batch, found, strict=True)]
    return [item for _, item in sorted(pairs, key=lambda pair: pair[0])]
