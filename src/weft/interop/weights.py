"""Tensors of a checkpoint into the parameters of a model, one at a time, each into its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from weft.base.errors import DataError
from weft.base.validate import nearest
from weft.interop.checkpoint import Stored, equal
from weft.interop.names import ZERO, Made, Names

Tensors = Mapping[str, Stored]
_SAME_POSITION = 1e-2
"""Tables of positions are often stored in 16 bits."""
_TOKENS = ("encoder.embed.table.weight", "decoder.embed.table.weight", "out.projection.weight")
_TIES = {(True, True): "all", (False, True): "target", (True, False): "embeddings", (False, False): "none"}


def tokens(names: Names, groups: Sequence[frozenset[str]], found: Tensors) -> dict[str, str]:
    """Which tensor each of weft's three token tables is read from: its own, else one that it is tied to.

    A file leaves out all but one of the tensors that are tied; one that holds several means them. Raises DataError if
    there is none.
    """
    chosen = {}
    for parameter, own in zip(
        _TOKENS, (names.tokens.source, names.tokens.target, names.tokens.projection), strict=True
    ):
        same = next((group for group in groups if own in group), frozenset())
        stands_for = [own, *(name for name in names.tokens if name in same)]
        name = next((name for name in stands_for if name in found), None)
        if name is None:
            raise DataError(
                f"wanted {' or '.join(dict.fromkeys(stands_for))}, got neither; these are no weights of a model that "
                "writes text, or some are lost"
            )
        chosen[parameter] = name
    return chosen


def ties(chosen: Mapping[str, str], found: Tensors) -> str:
    """Which token tables are one, as `ModelConfig.tie` names it: those read from one tensor, or from equal ones."""
    source, target, projection = (chosen[parameter] for parameter in _TOKENS)

    def one(a: str, b: str) -> bool:
        return a == b or equal((a, found[a]), (b, found[b]))

    return _TIES[one(source, target), one(target, projection)]


def holds(name: str, found: Tensors) -> bool:
    """Whether there is such a tensor, and it is not all zero."""
    if name not in found:
        return False
    value = torch.empty(found[name].shape)
    found[name].copy_into(name, value)
    return bool(value.any())


def fill(model: nn.Module, names: Names, found: Tensors, *, chosen: Mapping[str, str], dtype: torch.dtype) -> None:
    """Gives every parameter its values. Raises DataError, naming tensors, if any is missing, left over or misshapen.

    Every name and shape is checked before a value is read. Values go straight from the file into their place.
    """
    made = {name: Made((chosen[name],)) if name in chosen else names.of(name) for name, _ in model.named_parameters()}
    _check(model, names, made, found)
    _compare(model, names, found)
    for name, parameter in model.named_parameters():
        parameter.data = torch.empty(parameter.shape, dtype=dtype)
        row = 0
        for tensor, rows in zip(made[name].of, _parts(made[name], len(parameter), found), strict=True):
            place = parameter.data[row : row + rows]
            if tensor == ZERO:
                place.zero_()
            else:
                found[tensor].copy_into(tensor, place, skip=made[name].skip)
            row += rows


def _check(model: nn.Module, names: Names, made: Mapping[str, Made], found: Tensors) -> None:
    read = [tensor for each in made.values() for tensor in each.of if tensor != ZERO]
    missing = sorted(set(read) - found.keys())
    optional = {*names.tokens, *names.computed, "final_logits_bias"}
    passed = re.compile("|".join(names.unused) or r"(?!)")
    extra = sorted(name for name in found.keys() - set(read) - optional if not passed.fullmatch(name))
    problems = [f"{len(missing)} tensors are missing ({_some(missing)})"] if missing else []
    if extra:
        hint = f"; {nearest(extra[0], missing)}" if missing else ""
        problems.append(f"{len(extra)} tensors are unexpected ({_some(extra)}{hint})")
    if not missing:
        problems += _misshapen(model, made, found)
    if problems:
        raise DataError(
            f"wanted the tensors that config.json describes, got: {'; '.join(problems)}; weights and config.json "
            "belong to different models, or some files are lost"
        )


@torch.no_grad()
def _compare(model: nn.Module, names: Names, found: Tensors) -> None:
    """Raises DataError where a file holds other positions than those that weft computes."""
    for name in sorted(names.computed.keys() & found.keys()):
        position: Any = model.get_submodule(names.computed[name])
        table, offset = torch.empty(found[name].shape), position.offset
        found[name].copy_into(name, table)
        wanted = position(torch.arange(max(len(table) - offset, 0)))
        if not torch.allclose(table[offset:], wanted, atol=_SAME_POSITION):
            raise DataError(
                f"{name}: wanted the sinusoids that config.json describes, got others; weft computes positions and "
                "cannot take these"
            )


def _misshapen(model: nn.Module, made: Mapping[str, Made], found: Tensors) -> Iterable[str]:
    for name, parameter in model.named_parameters():
        each = made[name]
        shapes = {tensor: found[tensor].shape for tensor in each.of if tensor != ZERO}
        inner = [shape[2 if each.flat else 1 :] for shape in shapes.values()]
        rows = sum(_parts(each, len(parameter), found))
        if rows != parameter.shape[0] or any(shape != tuple(parameter.shape[1:]) for shape in inner):
            came = " + ".join(f"{tensor} {list(shape)}" for tensor, shape in shapes.items())
            skipped = f" (its first {each.skip} rows are passed over)" if each.skip else ""
            yield f"{came} should make {list(parameter.shape)}{skipped}"


def _parts(made: Made, rows: int, found: Tensors) -> list[int]:
    """The rows that each tensor fills of a parameter's; zeros fill what is theirs if all have as many."""
    return [rows // len(made.of) if tensor == ZERO else _rows(made, found[tensor]) for tensor in made.of]


def _rows(made: Made, stored: Stored) -> int:
    shape = stored.shape[1:] if made.flat else stored.shape
    return (shape[0] if shape else 0) - made.skip


def _some(items: Sequence[str]) -> str:
    return ", ".join(items[:3]) + (", ..." if len(items) > 3 else "")
