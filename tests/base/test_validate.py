from __future__ import annotations

from typing import Self

import pytest
from pydantic import BaseModel, ConfigDict, Field, model_validator

from weft.base.errors import ConfigError
from weft.base.validate import nearest, validate


class Leaf(BaseModel):
    model_config = ConfigDict(extra="forbid")

    steps: int = Field(gt=0)
    rate: float = 0.1

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.steps == 13:
            raise ValueError("steps must not be 13, got 13; take 11")
        return self


class Tree(BaseModel):
    model_config = ConfigDict(extra="forbid")

    leaf: Leaf | None = None
    leaves: list[Leaf] = []
    named: dict[str, Leaf] = {}


def test_good_data_becomes_a_model() -> None:
    assert validate(Tree, {"leaf": {"steps": 3}}, where="x.toml").leaf == Leaf(steps=3)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"leef": 3}, "x.toml: unknown key leef; did you mean leaf?"),
        ({"zzz": 3}, "x.toml: unknown key zzz; known are leaf, leaves, named"),
        ({"leaf": {"steps": 3, "rat": 1}}, "x.toml: unknown key leaf.rat; did you mean rate?"),
        ({"leaves": [{"steps": 3}, {"steps": 3, "step": 1}]}, "x.toml: unknown key leaves.1.step; did you mean steps?"),
        ({"named": {"a": {"steps": 3, "rats": 1}}}, "x.toml: unknown key named.a.rats; did you mean rate?"),
        ({"leaf": {}}, "x.toml: key leaf.steps is missing; add it"),
        ({"leaf": {"steps": 0}}, "x.toml: leaf.steps: input should be greater than 0, got 0; change it"),
        ({"leaf": {"steps": 13}}, "x.toml: leaf: steps must not be 13, got 13; take 11"),
        (
            {"leaf": {}, "q": 1},
            "x.toml: key leaf.steps is missing; add it; unknown key q; known are leaf, leaves, named",
        ),
    ],
)
def test_each_problem_names_its_key_and_what_to_do(data: object, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        validate(Tree, data, where="x.toml")
    assert str(caught.value) == message


def test_nearest_of_nothing() -> None:
    assert nearest("x", []) == "there are none"
