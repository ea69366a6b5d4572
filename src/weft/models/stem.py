"""A small convolutional stem: pixels to one vector a patch that knows the patch's surroundings."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import nn

from weft.base.shapes import Float, Tensor
from weft.models.source import Stage

GROUPS = 8


class Stem(nn.Module):
    """Pixels `[b c h w]` to `[b d rows columns]`: stage after stage makes the picture smaller and the vectors wider.

    A convolution sees edges and textures from few pictures, where patches that are embedded alone want millions (Xiao
    et al. 2021, https://arxiv.org/abs/2106.14881). Blocks are residual (He et al. 2016), normalised by groups of
    channels, so that no picture depends on the others of its batch (Wu and He 2018).
    """

    def __init__(self, stages: Sequence[Stage], channels: int, width: int) -> None:
        super().__init__()
        before = [channels, *(stage.channels for stage in stages[:-1])]
        pairs = zip(before, stages, strict=True)
        self.stages = nn.Sequential(*(_stage(came, stage) for came, stage in pairs))
        self.out = nn.Conv2d(stages[-1].channels, width, 1)

    def forward(self, pixels: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d rows columns"]:
        return self.out(self.stages(pixels))


class Block(nn.Module):
    """x + two normalised convolutions of it, 3 x 3."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.inner = _normalised(channels, channels, step=1)
        self.outer = _normalised(channels, channels, step=1)

    def forward(self, x: Float[Tensor, "b d rows columns"]) -> Float[Tensor, "b d rows columns"]:
        return F.gelu(x + self.outer(F.gelu(self.inner(x))))


def _stage(came: int, stage: Stage) -> nn.Module:
    blocks = [Block(stage.channels) for _ in range(stage.blocks)]
    return nn.Sequential(_normalised(came, stage.channels, step=stage.step), nn.GELU(), *blocks)


def _normalised(came: int, channels: int, *, step: int) -> nn.Module:
    """A convolution that looks as far to both sides as its step, so that no pixel is looked at from one side alone."""
    wide = max(2 * step - 1, 3)
    groups = GROUPS if channels % GROUPS == 0 else 1
    return nn.Sequential(
        nn.Conv2d(came, channels, wide, stride=step, padding=wide // 2, bias=False), nn.GroupNorm(groups, channels)
    )
