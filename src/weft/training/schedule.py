"""Learning rates as functions of the step: a linear warm-up to 1, then a fall by name."""

from __future__ import annotations

import math
from collections.abc import Callable

from weft.training.config import TrainingConfig


def rate(step: int, config: TrainingConfig) -> float:
    """The share of the highest learning rate that update number `step` (from 1) uses."""
    warm = max(config.warmup_steps, 1)
    if step < warm:
        return step / warm
    return _FALLS[config.schedule](step, warm, config)


def _inverse_sqrt(step: int, warm: int, config: TrainingConfig) -> float:
    """Falls as 1/sqrt(step) (Vaswani et al. 2017, section 5.3)."""
    return math.sqrt(warm / step)


def _progress(step: int, warm: int, config: TrainingConfig) -> float:
    return min(1.0, (step - warm) / max(1, config.steps - warm))


def _cosine(step: int, warm: int, config: TrainingConfig) -> float:
    """Falls along half a cosine to `final_rate` (Loshchilov and Hutter 2017)."""
    share = 0.5 * (1 + math.cos(math.pi * _progress(step, warm, config)))
    return config.final_rate + (1 - config.final_rate) * share


def _linear(step: int, warm: int, config: TrainingConfig) -> float:
    return config.final_rate + (1 - config.final_rate) * (1 - _progress(step, warm, config))


def _constant(step: int, warm: int, config: TrainingConfig) -> float:
    return 1.0


_FALLS: dict[str, Callable[[int, int, TrainingConfig], float]] = {
    "inverse_sqrt": _inverse_sqrt,
    "cosine": _cosine,
    "linear": _linear,
    "constant": _constant,
}
