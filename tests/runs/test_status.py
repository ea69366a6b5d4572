"""What a display is told, from where the loop stands."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from weft.runs.status import status_of
from weft.training.config import TrainingConfig
from weft.training.loop import Loop, Progress


def loop(**progress: Any) -> Loop:
    stands = SimpleNamespace(
        progress=Progress(**progress), config=TrainingConfig(steps=100), learning_rate=lambda: 0.5
    )  # fmt: skip
    return cast(Loop, stands)


def test_loss_speed_and_time_left() -> None:
    status = status_of(
        loop(step=20, tokens=3000, likelihood_sum=30.0, target_tokens=12, seconds=6.0), {"loss": 1.5}
    )  # fmt: skip
    assert (status.step, status.steps, status.loss, status.learning_rate) == (20, 100, 2.5, 0.5)
    assert status.tokens_per_second == 500.0
    assert status.seconds_left == pytest.approx(24.0)
    assert status.scores == {"loss": 1.5}


def test_before_anything_was_done_nothing_is_divided_by_zero() -> None:
    status = status_of(loop(), {})
    assert (status.loss, status.tokens_per_second) == (0.0, 0.0)
