"""Checked configuration: what a file says as a frozen model, or an error that names the nearest valid key."""

from __future__ import annotations

import difflib
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from weft.base.errors import ConfigError

Config = TypeVar("Config", bound=BaseModel)
Place = tuple[int | str, ...]


def validate(cls: type[Config], data: object, *, where: str) -> Config:
    """`data` as a `cls`; ConfigError names `where` (a file), the path of each wrong key, and the nearest valid one."""
    try:
        return cls.model_validate(data)
    except ValidationError as error:
        problems = [_problem(cls, detail) for detail in error.errors()]
        raise ConfigError(f"{where}: " + "; ".join(problems)) from error


def nearest(name: str, known: list[str]) -> str:
    """What to say after an unknown name: the one that was probably meant, or all that there are."""
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"did you mean {close[0]}?"
    return f"known are {', '.join(sorted(known))}" if known else "there are none"


def _problem(cls: type[BaseModel], detail: ErrorDetails) -> str:
    *parents, last = detail["loc"] or ("",)
    path = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        return f"unknown key {path}; {nearest(str(last), _keys(cls, tuple(parents)))}"
    if detail["type"] == "missing":
        return f"key {path} is missing; add it"
    wanted = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "value_error":  # our own validators say what came and what to do
        return f"{path}: {wanted}" if path else wanted
    return f"{path}: {wanted[:1].lower()}{wanted[1:]}, got {detail['input']!r}; change it"


def _keys(cls: type[BaseModel], place: Place) -> list[str]:
    """The keys that the table at `place` may hold, as they are written in a file."""
    for part in place:
        field = _fields(cls).get(str(part))
        if field is not None:  # a number is a place in a list: its table is already the class at hand
            cls = _table(field) or cls
    return list(_fields(cls))


def _fields(cls: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field.annotation for name, field in cls.model_fields.items()}


def _table(annotation: Any) -> type[BaseModel] | None:
    """The model class inside `X`, `X | None`, `list[X]`, `dict[str, X]`, if there is one."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _table(inner))), None)
