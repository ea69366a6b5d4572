"""Where a token stands: added to embeddings (sinusoidal, learned) or turned into queries and keys (rotary).

Positions are `[t]`, the same for the whole batch, or `[b t]`, each row's own; an axis of 1 broadcasts. Angles come from
whole numbers at every call, and the rates of sinusoids are no buffer: that would follow a model to bfloat16, where 257
is 256, and would be lost on the meta device.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

from weft.base.errors import ShapeError
from weft.base.shapes import Float, Int, Tensor
from weft.layers.bound import Bindable, Function

_BLOCK = 64


def in_blocks(vectors: Function) -> Function:
    """The same function, but positions that come one by one are computed a block at a time, and looked up.

    On a CPU: elsewhere to ask which position it is would be to wait for the device.
    """
    start, block = 0, torch.empty(0)

    def at(positions: Int[Tensor, "*b t"]) -> Float[Tensor, "*b t d"]:
        nonlocal start, block
        if positions.shape != (1,) or positions.device.type != "cpu":
            return vectors(positions)
        position = int(positions)
        if not start <= position < start + len(block):
            start = position // _BLOCK * _BLOCK
            block = vectors(torch.arange(start, start + _BLOCK))
        return block.narrow(0, position - start, 1)

    return at


class Sinusoidal(Bindable):
    """Position vectors of sines and cosines (Vaswani et al. 2017, section 3.5): `[.. t]` to `[.. t d]`, any length.

    All sines stand before all cosines. `offset` is the number of the first position.
    """

    def __init__(self, width: int, *, offset: int = 0) -> None:
        super().__init__()
        self.width, self.offset = width, offset
        even = torch.arange(0, width, 2, dtype=torch.float64, device="cpu")
        self._rates = torch.exp(even * (-math.log(10000.0) / width))

    def bind(self) -> Function:
        return in_blocks(self.forward)

    def forward(self, positions: Int[Tensor, "*b t"]) -> Float[Tensor, "*b t d"]:
        # In float32 the angle of position 500 would be off by 3e-5; not every device has float64.
        wide = torch.float32 if positions.device.type == "mps" else torch.float64
        angles = (positions[..., None] + self.offset) * self._rates.to(positions.device, wide)
        return torch.cat((angles.sin(), angles.cos()), -1)[..., : self.width].float()


class EvenlySpaced(Bindable):
    """As `Sinusoidal`, but the slowest wave is exactly 10000 times as long as the fastest, as in tensor2tensor.

    Half of the width are sines; of an odd width the last number is 0.
    """

    def __init__(self, width: int, *, offset: int = 0) -> None:
        super().__init__()
        self.width, self.offset = width, offset
        waves = torch.arange(width // 2, dtype=torch.float32, device="cpu")
        self._rates = torch.exp(waves * -(math.log(10000.0) / max(width // 2 - 1, 1)))

    def bind(self) -> Function:
        return in_blocks(self.forward)

    def forward(self, positions: Int[Tensor, "*b t"]) -> Float[Tensor, "*b t d"]:
        angles = (positions[..., None] + self.offset) * self._rates.to(positions.device)
        both = torch.cat((angles.sin(), angles.cos()), -1)
        return F.pad(both, (0, 1)) if self.width % 2 else both


class Grid(nn.Module):
    """Sinusoids of two dimensions: half of the width says the row, half the column; `lead` positions before the first
    place of the grid get zeros. `[.. t]` to `[.. t d]`.
    """

    def __init__(self, width: int, *, columns: int, lead: int) -> None:
        super().__init__()
        if width % 4:
            raise ShapeError(f"sinusoids of two dimensions want a width that 4 divides, got {width}; change the width")
        self.columns, self.lead = columns, lead
        self.side = Sinusoidal(width // 2)

    def forward(self, positions: Int[Tensor, "*b t"]) -> Float[Tensor, "*b t d"]:
        place = positions - self.lead
        row, column = place.div(self.columns, rounding_mode="floor"), place % self.columns
        both = torch.cat((self.side(row), self.side(column)), -1)
        return both * (place >= 0)[..., None]


class Learned(nn.Module):
    """One trained vector a position, up to `max_length`: `[.. t]` to `[.. t d]`."""

    def __init__(self, width: int, max_length: int) -> None:
        super().__init__()
        self.table = nn.Embedding(max_length, width)
        nn.init.normal_(self.table.weight, std=width**-0.5)

    def forward(self, positions: Int[Tensor, "*b t"]) -> Float[Tensor, "*b t d"]:
        if positions.numel() and int(positions.max()) >= self.table.num_embeddings:
            raise ShapeError(
                f"learned positions end at {self.table.num_embeddings}, got position {int(positions.max())}; "
                "split the text, or use sinusoidal or rotary positions"
            )
        return self.table(positions)


class NoPosition(nn.Module):
    """Adds nothing: `[.. t]` to a zero that broadcasts."""

    def forward(self, positions: Int[Tensor, "*b t"]) -> Float[Tensor, "1 1"]:
        return torch.zeros(1, 1, device=positions.device)


class Rotary(nn.Module):
    """Queries or keys `[b h t k]` turned by an angle that grows with their position (Su et al. 2021, RoFormer)."""

    def __init__(self, key_width: int, base: float = 10000.0) -> None:
        super().__init__()
        if key_width % 2:
            raise ShapeError(f"rotary positions want an even key width, got {key_width}")
        self.base = base

    def forward(self, x: Float[Tensor, "b h t k"], positions: Int[Tensor, "*#b #t"]) -> Float[Tensor, "b h t k"]:
        even = torch.arange(0, x.shape[-1], 2, dtype=torch.float32, device=x.device)
        angles = (positions[..., None] * self.base ** (-even / x.shape[-1])).unsqueeze(-3)  # one angle for all heads
        cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
        left, right = x.chunk(2, -1)
        return torch.cat((left * cos - right * sin, right * cos + left * sin), -1)


class NoRotation(Bindable):
    """Leaves queries and keys as they are."""

    def bind(self) -> Function:
        return lambda x, _: x

    def forward(self, x: Float[Tensor, "b h t k"], positions: Int[Tensor, "*#b #t"]) -> Float[Tensor, "b h t k"]:
        return x
