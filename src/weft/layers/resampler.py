"""A few learned latents in the place of many positions: what cross-attention reads no longer grows with the source."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from weft.attention.masks import Padding
from weft.attention.record import Record
from weft.base.padded import Padded
from weft.base.shapes import Float, Tensor
from weft.layers.attention import CrossAttention
from weft.layers.residual import Residual


class Resampler(nn.Module):
    """States of any length to `[b m d]`: m latents that attend to them, layer after layer (Perceiver, Jaegle et al.
    2021; as Flamingo resamples, Alayrac et al. 2022, section 3.1). A source of which nothing is real stays nothing.
    """

    def __init__(self, width: int, num_latents: int, layers: Sequence[ResamplerLayer], norm: nn.Module) -> None:
        super().__init__()
        self.latents = nn.Parameter(torch.randn(num_latents, width) * width**-0.5)
        self.layers, self.norm = nn.ModuleList(layers), norm

    def forward(self, states: Padded, record: Record | None = None) -> Padded:
        x = self.latents.expand(len(states), -1, -1)
        for layer in self.layers:
            x = layer(x, states, record)
        there = states.keep.any(1, keepdim=True)
        return Padded(self.norm(x), there.expand(-1, len(self.latents)))


class ResamplerLayer(nn.Module):
    """Latents attend to the states and to each other at once, then feed-forward."""

    def __init__(self, attention: Residual, feedforward: Residual) -> None:
        super().__init__()
        self.attention, self.feedforward = attention, feedforward

    def forward(
        self, x: Float[Tensor, "b m d"], states: Padded, record: Record | None = None
    ) -> Float[Tensor, "b m d"]:
        return self.feedforward(self.attention(x, states, record))


class Gathering(nn.Module):
    """Cross-attention whose keys and values are those of the states and, behind them, of the latents that ask."""

    def __init__(self, cross: CrossAttention) -> None:
        super().__init__()
        self.cross = cross

    def forward(
        self, x: Float[Tensor, "b m d"], states: Padded, record: Record | None = None
    ) -> Float[Tensor, "b m d"]:
        own = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
        memory = self.cross.prepare(torch.cat((states.values, x), 1), Padding(torch.cat((states.keep, own), 1)))
        return self.cross(x, memory, record)
