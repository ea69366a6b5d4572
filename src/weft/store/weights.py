"""Parameters in a safetensors file: float32, bfloat16, or bytes with a scale for each row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from weft.base.errors import DataError
from weft.base.shapes import Float, Tensor
from weft.base.validate import nearest
from weft.layers.quantised import quantise
from weft.store.config import Storage
from weft.store.tensors import write_tensors

FILE_NAME = "model.safetensors"
_SCALE = ".scale"


def write_weights(path: Path, parameters: Mapping[str, Tensor], *, storage: Storage) -> None:
    """Stores parameters under their names; int8 adds `NAME.scale` for each matrix. Raises OSError on a full disk."""
    tensors: dict[str, Tensor] = {}
    for name, parameter in parameters.items():
        tensors |= _packed(name, parameter.detach().cpu(), storage)
    write_tensors(path, tensors, metadata={"format": "pt"})


def read_weights(path: Path) -> Iterator[tuple[str, Tensor]]:
    """Name and value of each parameter in the file, one at a time, in float32. Raises DataError if it is damaged."""
    with _opened(path) as file:
        for name in _names(file):
            yield name, _unpacked(file, name)


def read_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """The shape of each parameter in the file, without reading the values. Raises DataError if it is damaged."""
    with _opened(path) as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in _names(file)}


def load_weights(model: nn.Module, path: Path, *, dtype: torch.dtype = torch.float32) -> None:
    """Gives every parameter of the model the value in the file, converted to `dtype`, one tensor at a time.

    Parameters that the model ties stay tied. Raises DataError if the file is damaged or holds other parameters, and
    names the first of each kind; the model is then untouched.
    """
    parameters = dict(model.named_parameters())
    check_shapes(path, {name: tuple(parameter.shape) for name, parameter in parameters.items()})
    for name, value in read_weights(path):
        parameters[name].data = value.to(dtype)


def check_shapes(path: Path, wanted: Mapping[str, tuple[int, ...]]) -> None:
    """Raises DataError unless the file holds exactly the parameters wanted, in these shapes."""
    came = read_shapes(path)
    missing, unexpected = sorted(wanted.keys() - came.keys()), sorted(came.keys() - wanted.keys())
    wrong = [
        f"{name} wants {list(wanted[name])}, got {list(came[name])}"
        for name in sorted(wanted.keys() & came.keys())
        if wanted[name] != came[name]
    ]
    problems = [f"{len(missing)} tensors are missing ({_some(missing)})"] if missing else []
    if unexpected:
        hint = nearest(unexpected[0], missing)
        problems.append(
            f"{len(unexpected)} tensors are unexpected ({_some(unexpected)}" + (f"; {hint})" if missing else ")")
        )
    problems += [f"{len(wrong)} shapes are wrong ({_some(wrong)})"] if wrong else []
    if problems:
        raise DataError(
            f"{path}: wanted the {len(wanted)} tensors that config.json describes, got: {', '.join(problems)}; these "
            "weights belong to another model, or config.json was edited"
        )


def _packed(name: str, value: Tensor, storage: Storage) -> dict[str, Tensor]:
    if storage == "int8" and value.ndim == 2:
        matrix, scale = quantise(value)
        return {name: matrix, name + _SCALE: scale}
    dtype = torch.bfloat16 if storage == "bfloat16" else torch.float32
    return {name: value.to(dtype).contiguous()}


def _unpacked(file: Any, name: str) -> Float[Tensor, "..."]:
    value: Tensor = file.get_tensor(name)
    if value.dtype is not torch.int8:
        return value.to(torch.float32, copy=True)  # not a view of the mapped file, which may be replaced
    return value.float().mul_(file.get_tensor(name + _SCALE)[:, None])


def _names(file: Any) -> list[str]:
    """The parameters in the file: a scale is part of its matrix."""
    names = set(file.keys())
    return sorted(name for name in names if name.removesuffix(_SCALE) == name or name.removesuffix(_SCALE) not in names)


def _some(items: list[str]) -> str:
    return ", ".join(items[:3]) + (", ..." if len(items) > 3 else "")


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except FileNotFoundError as error:
        raise DataError(f"{path}: wanted weights, got no file; fetch or save the model again") from error
    except SafetensorError as error:
        raise DataError(
            f"{path}: wanted safetensors, got a damaged file ({error}); fetch or save the model again"
        ) from error
