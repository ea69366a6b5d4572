"""The encoder: reads the whole source at once."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from weft.attention.masks import Padding
from weft.attention.record import Record
from weft.base.padded import Padded
from weft.layers.block import EncoderLayer
from weft.layers.cache import Fresh


class Encoder(nn.Module):
    """Source ids `[b s]` to states `[b s d]`; what stands at padding is never read by anyone."""

    def __init__(self, embed: nn.Module, layers: Sequence[EncoderLayer], norm: nn.Module, bias: nn.Module) -> None:
        super().__init__()
        self.embed, self.layers, self.norm, self.bias = embed, nn.ModuleList(layers), norm, bias

    def forward(self, source: Padded, record: Record | None = None) -> Padded:
        positions = torch.arange(source.values.shape[1], device=source.values.device)
        x = self.embed(source.values, positions)
        mask = Padding(source.keep)
        for layer, bias in zip(self.layers, self.bias(positions, positions), strict=True):
            x = layer(x, Fresh(mask, bias), positions, record)
        return source.with_values(self.norm(x))
