"""The sound end: frames of a log-mel spectrogram in."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from weft.base.padded import Padded
from weft.base.shapes import Bool, Float, Tensor
from weft.layers.dropout import Dropout


class AudioIn(nn.Module):
    """Frames `[b frames bands]` to vectors `[b s d]`, one for two frames: two convolutions over time (each 3 wide,
    with GELU, the second in steps of 2), plus position, then dropout (Radford et al. 2022, section 2.2).
    """

    def __init__(self, bands: int, width: int, position: nn.Module, dropout: float) -> None:
        super().__init__()
        self.widen = nn.Conv1d(bands, width, 3, padding=1)
        self.halve = nn.Conv1d(width, width, 3, stride=2, padding=1)
        self.position, self.dropout = position, Dropout(dropout)

    def read(self, source: Padded) -> Padded:
        """A position is real where the first of its two frames is; what stands at padding counts as nothing."""
        keep, kept = source.keep, source.keep[:, ::2]
        frames = source.values.to(self.widen.weight.dtype).transpose(1, 2)  # b frames bands -> b bands frames
        x = F.gelu(self.widen(_silenced(frames, keep)))
        x = F.gelu(self.halve(_silenced(x, keep))).transpose(1, 2)  # b d s -> b s d
        positions = torch.arange(x.shape[1], device=x.device)
        return Padded(self.dropout(x + self.position(positions).to(x.dtype)), kept)


def _silenced(x: Float[Tensor, "b d frames"], keep: Bool[Tensor, "b frames"]) -> Float[Tensor, "b d frames"]:
    """Zero at padding: convolutions look across its edge."""
    return x.masked_fill(~keep[:, None], 0.0)
