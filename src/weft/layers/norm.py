"""Normalisation by name."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

NORMS: dict[str, Callable[..., nn.Module]] = {
    "layer": lambda width, epsilon=None: nn.LayerNorm(width, eps=1e-5 if epsilon is None else epsilon),
    "rms": lambda width, epsilon=None: nn.RMSNorm(width, eps=epsilon),
}
"""A norm over a width; `epsilon` is added to the variance, None: 1e-5 (layer), the type's smallest step (rms)."""
