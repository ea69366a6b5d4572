"""Learning rates: a straight rise to 1 at the end of the warm-up, then a fall to where the name says."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from weft.training.config import TrainingConfig
from weft.training.schedule import rate

NAMES = ["inverse_sqrt", "cosine", "linear", "constant"]


def config(schedule: str, *, warmup_steps: int = 11, final_rate: float = 0.0) -> TrainingConfig:
    return TrainingConfig.model_validate(
        {"steps": 101, "schedule": schedule, "warmup_steps": warmup_steps, "final_rate": final_rate}
    )


@pytest.mark.parametrize("name", NAMES)
def test_warm_up_is_a_straight_line_to_the_highest_rate(name: str) -> None:
    found = [rate(step, config(name)) for step in range(1, 12)]
    assert found == pytest.approx([step / 11 for step in range(1, 12)])
    assert rate(11, config(name)) == 1.0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("warmup_steps", [0, 1, 11])
def test_it_never_rises_after_the_warm_up_nor_exceeds_one(name: str, warmup_steps: int) -> None:
    chosen = config(name, warmup_steps=warmup_steps)
    found = [rate(step, chosen) for step in range(max(warmup_steps, 1), 102)]
    assert found[0] == 1.0
    assert all(later <= earlier for earlier, later in pairwise(found))
    assert min(found) >= 0


@pytest.mark.parametrize("name", ["cosine", "linear"])
@pytest.mark.parametrize("final_rate", [0.0, 0.1])
def test_cosine_and_linear_end_where_they_shall(name: str, final_rate: float) -> None:
    chosen = config(name, final_rate=final_rate)
    assert rate(101, chosen) == pytest.approx(final_rate)
    assert rate(56, chosen) == pytest.approx((1 + final_rate) / 2)  # half-way
    assert rate(999, chosen) == pytest.approx(final_rate)


def test_inverse_square_root_and_constant() -> None:
    assert rate(44, config("inverse_sqrt")) == pytest.approx(0.5)
    assert rate(101, config("inverse_sqrt")) == pytest.approx(math.sqrt(11 / 101))
    assert rate(101, config("constant")) == 1.0


@pytest.mark.parametrize("name", NAMES)
def test_a_warm_up_longer_than_the_run_only_rises(name: str) -> None:
    assert rate(101, config(name, warmup_steps=202)) == pytest.approx(0.5)
