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


class ImageIn(nn.Module):
    """Patches `[b s c p q]` (channels, pixels down, pixels across) to vectors `[b s+n d]`: one convolution that is as
    wide as its step, n learned vectors before them, plus position, then dropout (Dosovitskiy et al. 2021, section 3.1).
    """

    def __init__(self, picture: Picture, width: int, position: nn.Module, dropout: float) -> None:
        super().__init__()
        self.patch = nn.Conv2d(picture.channels, width, (picture.patch_height, picture.patch_width))
        self.class_tokens = nn.Parameter(torch.zeros(picture.class_tokens, width))
        self.position, self.dropout = position, Dropout(dropout)
        self._num_patches = picture.num_patches

    def read(self, source: Padded) -> Padded:
        """Raises ShapeError unless there are all patches of a picture; `keep` says which of them may be looked at."""
        self._check(source.values)
        x = torch.cat((self.class_tokens.expand(len(source), -1, -1), self._embedded(source.values)), 1)
        positions = torch.arange(x.shape[1], device=x.device)
        keep = F.pad(source.keep, (len(self.class_tokens), 0), value=True)
        return Padded(self.dropout(x + self.position(positions).to(x.dtype)), keep)

    def _embedded(self, patches: Float[Tensor, "b s c p q"]) -> Float[Tensor, "b s d"]:
        """A patch is as large as the kernel, so the convolution is one product of matrices."""
        weight = self.patch.weight
        return F.linear(patches.to(weight.dtype).flatten(2), weight.flatten(1), self.patch.bias)

    def _check(self, patches: Tensor) -> None:
        wanted = [self._num_patches, *self.patch.weight.shape[1:]]
        if list(patches.shape[1:]) != wanted:
            raise ShapeError(
                f"patches must be [b s c p q] with {wanted} behind b, got {list(patches.shape)}; resize the picture to "
                "the size that the model was made for, then cut it"
            )
