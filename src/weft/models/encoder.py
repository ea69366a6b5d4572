"""The encoder: reads the whole source at once, whatever it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import torch
from torch import nn

from weft.attention.masks import padding
from weft.attention.record import Record
from weft.base.padded import Padded
from weft.base.shapes import Float, Tensor
from weft.layers.block import EncoderLayer
from weft.layers.cache import Fresh

_TOKENS_AT_ONCE = 1024
"""More, and what a layer makes is too large for the allocator to keep: it is fetched from the system at each layer."""


@runtime_checkable
class In(Protocol):
    """The end of a modality: anything padded to vectors `[b s d]`, perhaps at other positions."""

    def read(self, source: Padded) -> Padded: ...


class Encoder(nn.Module):
    """A source (ids `[b s]`, frames, patches) to states `[b s d]`; what stands at padding is never read by anyone."""

    embed: In

    def __init__(
        self,
        embed: In,
        layers: Sequence[EncoderLayer],
        norm: nn.Module,
        bias: nn.Module,
        *,
        resampler: nn.Module | None = None,
    ) -> None:
        """`resampler` makes fewer states of the last ones; None: they stay as they are."""
        super().__init__()
        self.embed, self.layers, self.norm, self.bias = embed, nn.ModuleList(layers), norm, bias
        self.resampler = resampler or Unchanged()

    def forward(self, source: Padded, record: Record | None = None) -> Padded:
        """In inference on a CPU a large batch is read some rows at a time; all at once with a record."""
        embedded = self.embed.read(source)
        rows = max(1, _TOKENS_AT_ONCE // max(1, embedded.values.shape[1]))
        at_once = record is not None or torch.is_grad_enabled() or embedded.values.device.type != "cpu"
        if at_once or len(embedded) <= rows:
            return self.resampler(embedded.with_values(self._states(embedded, record)), record)
        parts = zip(torch.split(embedded.values, rows), torch.split(embedded.keep, rows), strict=True)
        states = torch.cat([self._states(Padded(values, keep), None) for values, keep in parts])
        return self.resampler(embedded.with_values(states), record)

    def _states(self, embedded: Padded, record: Record | None) -> Float[Tensor, "b s d"]:
        x, mask = embedded.values, padding(embedded.keep)
        positions = torch.arange(x.shape[1], device=x.device)
        for layer, bias in zip(self.layers, self.bias(positions, positions), strict=True):
            x = layer(x, Fresh(mask, bias), positions, record)
        return self.norm(x)


class Unchanged(nn.Module):
    """States as they are, one for each position."""

    def forward(self, states: Padded, record: Record | None = None) -> Padded:
        return states
