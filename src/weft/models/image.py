"""The picture end: patches of pixels in."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from weft.base.errors import ShapeError
from weft.base.padded import Padded
from weft.base.shapes import Float, Tensor
from weft.layers.dropout import Dropout
from weft.models.source import Picture
from weft.models.stem import Stem


class ImageIn(nn.Module):
    """Patches `[b s c p q]` (channels, pixels down, pixels across) to vectors `[b s+n d]`: one for each patch, n
    learned vectors before them, plus position, then dropout (Dosovitskiy et al. 2021, section 3.1). Of a picture none
    of whose patches is real nothing is, the learned vectors neither.
    """

    def __init__(self, picture: Picture, width: int, position: nn.Module, dropout: float) -> None:
        super().__init__()
        self.patch = ByStem(picture, width) if picture.stem else ByPatch(picture, width)
        self.class_tokens = nn.Parameter(torch.zeros(picture.class_tokens, width))
        self.position, self.dropout = position, Dropout(dropout)
        self._wanted = [picture.num_patches, picture.channels, picture.patch_height, picture.patch_width]

    def read(self, source: Padded) -> Padded:
        """Raises ShapeError unless there are all patches of a picture; `keep` says which of them may be looked at."""
        self._check(source.values)
        vectors = self.patch.vectors(source.values)
        x = torch.cat((self.class_tokens.expand(len(source), -1, -1).to(vectors.dtype), vectors), 1)
        positions = torch.arange(x.shape[1], device=x.device)
        there = source.keep.any(1, keepdim=True).expand(-1, len(self.class_tokens))
        keep = torch.cat((there, source.keep), 1)
        return Padded(self.dropout(x + self.position(positions).to(x.dtype)), keep)

    def _check(self, patches: Tensor) -> None:
        if list(patches.shape[1:]) != self._wanted:
            raise ShapeError(
                f"patches must be [b s c p q] with {self._wanted} behind b, got {list(patches.shape)}; resize the "
                "picture to the size that the model was made for, then cut it"
            )


class ByPatch(nn.Conv2d):
    """One convolution that is as wide as its step, so that every patch is embedded by itself."""

    def __init__(self, picture: Picture, width: int) -> None:
        super().__init__(picture.channels, width, (picture.patch_height, picture.patch_width))

    def vectors(self, patches: Float[Tensor, "b s c p q"]) -> Float[Tensor, "b s d"]:
        """A patch is as large as the kernel, so the convolution is one product of matrices."""
        return F.linear(patches.to(self.weight.dtype).flatten(2), self.weight.flatten(1), self.bias)


class ByStem(nn.Module):
    """The picture put together again, then convolutions that see across the edges of patches."""

    def __init__(self, picture: Picture, width: int) -> None:
        super().__init__()
        self.stem = Stem(picture.stem, picture.channels, width)
        self._grid = picture.grid

    def vectors(self, patches: Float[Tensor, "b s c p q"]) -> Float[Tensor, "b s d"]:
        pixels = whole(patches.to(self.stem.out.weight.dtype), grid=self._grid)
        return self.stem(pixels).flatten(2).transpose(1, 2)  # b d rows columns -> b s d


def whole(patches: Float[Tensor, "b s c p q"], *, grid: tuple[int, int]) -> Float[Tensor, "b c h w"]:
    """The pixels that were cut into patches in reading order, `grid` rows and columns of them."""
    tiles = torch.unflatten(patches, 1, grid).permute(0, 3, 1, 4, 2, 5)  # b rows columns c p q -> b c rows p columns q
    return tiles.flatten(4, 5).flatten(2, 3)
