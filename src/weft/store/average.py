"""One set of weights from several: the mean of the last checkpoints of a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from weft.base.errors import DataError
from weft.base.shapes import Tensor
from weft.store.weights import FILE_NAME, check_shapes, read_shapes, read_weights


def average(sources: Sequence[Path]) -> dict[str, Tensor]:
    """The mean of each parameter over model folders or safetensors files, in float32, summed in float64.

    One tensor of each file is in memory at a time. Raises DataError if there is no source, or if one does not hold
    the parameters of the first.
    """
    if not sources:
        raise DataError("average wants at least one model folder or weights file, got none; name those to average")
    files = [source / FILE_NAME if source.is_dir() else source for source in sources]
    shapes = read_shapes(files[0])
    for file in files[1:]:
        check_shapes(file, shapes)
    return {
        rows[0][0]: torch.stack([value.double() for _, value in rows]).mean(0).float()
        for rows in zip(*map(read_weights, files), strict=True)
    }
