"""Where in a picture a model looked when it wrote each word of a caption."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F

from weft.alignment.read import read
from weft.alignment.settings import AlignmentSettings
from weft.alignment.side import Side
from weft.attention.record import Record
from weft.base.errors import UnsupportedError
from weft.base.padded import Padded, Shared, pad
from weft.base.shapes import Float, Tensor
from weft.data.direction import Direction
from weft.data.pixels import Pixels
from weft.models.source import Picture
from weft.store.config import StoredConfig

Window = tuple[float, float, float, float]
"""Left, top, right and bottom of what was read, as shares of a picture's width and height."""


def looking_at(config: StoredConfig) -> AlignmentSettings:
    """Where a captioner's heat maps are read: as the model says, else all heads of its middle layer, as they write."""
    model = config.model
    heads = tuple(range(model.of_decoder().num_heads))
    return config.alignment or AlignmentSettings(layer=model.decoder_layers // 2, heads=heads, shift=False)


@torch.inference_mode()
def token_heat(
    model: Any,
    source: Padded,
    captions: Sequence[tuple[int, Sequence[int]]],
    *,
    picture: Picture,
    direction: Direction,
    settings: AlignmentSettings,
) -> list[Float[Tensor, "t rows columns"]]:
    """What was read of each picture while each token of a caption, (row of the picture, ids), was written.

    A token that every caption begins with counts, `</s>` does not. Shares of the attention in the places of the
    picture; what they lack of 1 was on learned vectors beside it.
    Raises UnsupportedError for a model whose memory has no places.
    """
    record = Record([settings.site])
    inputs = [direction.heard(ids) for _, ids in captions]
    heard = pad(inputs, device=source.values.device)
    rows = torch.tensor([row for row, _ in captions], device=source.values.device)
    model.states(Shared(source, rows), heard.values, record)
    weights = torch.from_numpy(read(record.at(settings.site)[0], settings))
    if weights.shape[-1] != picture.class_tokens + picture.num_patches:
        raise UnsupportedError(
            f"a heat map wants a place of the picture for each of {weights.shape[-1]} positions that are read, got "
            f"{picture.num_patches} places; this model sums its pictures up: leave explain out"
        )
    rows_columns = (*weights.shape[:2], *picture.grid)
    places = weights[..., picture.class_tokens :].reshape(rows_columns)  # m t s -> m t rows columns
    late = int(settings.shift)
    return [own[late : late + len(ids) - 1] for own, ids in zip(places, inputs, strict=True)]


def word_heat(tokens: Float[Tensor, "t rows columns"], written: Side) -> Float[Tensor, "j rows columns"]:
    """The heat of each word: the mean over its tokens."""
    inside = torch.from_numpy(written.overlaps() > 0).to(tokens.dtype)[: len(tokens)]  # t j
    means = inside / inside.sum(0).clamp(min=1)
    return torch.einsum("tj,txy->jxy", means, tokens)


def window(size: tuple[int, int], how: Pixels, picture: Picture) -> Window:
    """What of a picture of so many pixels (down, across) stands in the places that a model reads."""
    resized = size if how.size is None else how.size
    cut = resized if how.crop is None else how.crop
    starts = [(whole - part) // 2 for whole, part in zip(resized, cut, strict=True)]
    patch = (picture.patch_height, picture.patch_width)
    ends = [start + count * side for start, count, side in zip(starts, picture.grid, patch, strict=True)]
    (top, left), (bottom, right) = (
        [place / whole for place, whole in zip(places, resized, strict=True)] for places in (starts, ends)
    )
    return left, top, right, bottom


def upsampled(heat: Float[Tensor, "j rows columns"], size: tuple[int, int], part: Window) -> Float[Tensor, "j h w"]:
    """Heat maps at the size of their picture (pixels down, across), between the middles of places linearly.

    Each has the values of its places, not shares that sum to 1, and 0 outside of the part that was read.
    """
    left, top, right, bottom = (
        round(share * side) for share, side in zip(part, (size[1], size[0], size[1], size[0]), strict=True)
    )
    inside = (max(1, bottom - top), max(1, right - left))
    grown = F.interpolate(heat[None], inside, mode="bilinear", align_corners=False)[0]
    return F.pad(grown, (left, size[1] - left - inside[1], top, size[0] - top - inside[0]))
