"""A pretrained ViT or DeiT from a folder of transformers, as the encoder of a model that is yet to be trained."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from weft.base.errors import UnsupportedError
from weft.base.validate import validate
from weft.interop import weights
from weft.interop.checkpoint import CONFIG, Stored, read_json, tensors
from weft.interop.fields import understood
from weft.interop.names import Names
from weft.interop.processor import NEW, OLD, read_picture
from weft.interop.vision import PASSED_OVER, TOKENS, ViTFields, encoder_keys, encoder_table

FAMILIES = ("vit", "deit")
_INSIDE = tuple(f"{name}." for name in FAMILIES)
"""What names begin with where the encoder is part of a classifier."""
_UNUSED = (r"encoder\.pooler\.dense\.(weight|bias)", r"encoder\.embeddings\.mask_token", r"encoder\.\w*classifier\..*")


def model_keys(folder: Path) -> dict[str, Any]:
    """The keys of `ModelConfig` that say what the encoder is: source, encoder, encoder_layers.

    Raises UnsupportedError for another family, ConfigError for a field that weft cannot honour.
    """
    return encoder_keys(_fields(folder))


def colours(folder: Path) -> dict[str, Any]:
    """Mean and deviation of the pictures it was trained on, where the folder says them."""
    if not any((folder / name).is_file() for name in (OLD, NEW)):
        return {}
    how = read_picture(folder)
    return {key: value for key, value in (("mean", how.mean), ("deviation", how.deviation)) if value is not None}


@torch.no_grad()
def fill_encoder(encoder: nn.Module, folder: Path) -> None:
    """Gives an encoder of that shape the weights of the folder. Raises DataError for tensors that do not fit it."""
    names = Names(encoder_table(_fields(folder)), TOKENS, unused=_UNUSED)
    whole = nn.ModuleDict({"encoder": encoder})
    weights.fill(whole, names, _under_encoder(tensors(folder)), chosen={}, dtype=torch.float32)


def _fields(folder: Path) -> ViTFields:
    where, data = str(folder / CONFIG), read_json(folder / CONFIG)
    if data.get("model_type") not in FAMILIES:
        raise UnsupportedError(
            f"{where}: wanted a model_type of {' or '.join(FAMILIES)}, got {data.get('model_type')!r}; "
            "weft borrows no other encoders of pictures yet"
        )
    known = {key: value for key, value in data.items() if key not in PASSED_OVER}
    return validate(ViTFields, understood(ViTFields, known, where=where), where=where)


def _under_encoder(found: Mapping[str, Stored]) -> dict[str, Stored]:
    """The tensors by the names that they have where the encoder is one of two parts."""
    return {f"encoder.{_bare(name)}": stored for name, stored in found.items()}


def _bare(name: str) -> str:
    return next((name.removeprefix(inside) for inside in _INSIDE if name.startswith(inside)), name)
