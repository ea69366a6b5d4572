"""When to stop: the longest a hypothesis may get, and the best score that an unfinished one can still reach."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from weft.base.errors import ConfigError
from weft.base.shapes import Float, Int, Tensor
from weft.generation.settings import SearchSettings

_NO_LIMIT = 2**31


def length_limits(
    source_lengths: Int[Tensor, " b"], settings: SearchSettings, prefix: Sequence[Sequence[int]]
) -> Int[Tensor, " b"]:
    """The most tokens that each source's hypotheses may have, `</s>` included, at least 1.

    The source-relative limit gives way to `min_length` and to a forced prefix with one token after it; `max_length`
    gives way to nothing. Raises `ConfigError` for a prefix longer than `max_length`.
    """
    forced = torch.tensor([len(tokens) for tokens in prefix], device=source_lengths.device, dtype=torch.long)
    ratio = settings.max_length_ratio
    if ratio is None:
        limits = torch.full_like(forced, _NO_LIMIT)
    else:
        relative = (ratio * source_lengths).floor().long() + settings.max_length_offset
        limits = torch.maximum(relative.clamp(min=max(settings.min_length, 1)), forced + 1)
    if settings.max_length is None:
        return limits
    longest = max((len(tokens) for tokens in prefix), default=0)
    if longest > settings.max_length:
        raise ConfigError(
            f"a forced prefix must fit max_length = {settings.max_length}, got one of {longest} tokens; "
            "raise max_length or shorten the prefix"
        )
    return limits.clamp(max=settings.max_length)


def best_possible(total: Float[Tensor, "m n"], limits: Int[Tensor, " m"], alpha: float) -> Float[Tensor, "m n"]:
    """An upper bound on the score of whatever each live hypothesis may become.

    Further tokens only lower the sum (each log-probability is at most 0), and for a negative sum and alpha >= 0
    a longer hypothesis is divided by more: so the bound is today's sum at the greatest length.
    """
    return total / limits[:, None].to(total.dtype) ** alpha
