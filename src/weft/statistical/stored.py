"""Whether tensors from a file are those of an aligner with these words."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from weft.base.errors import DataError
from weft.base.shapes import Tensor
from weft.statistical.settings import StatisticalSettings


def check_tensors(
    tensors: Mapping[str, Tensor], *, num_source: int, num_target: int, settings: StatisticalSettings
) -> None:
    """Raises DataError, naming the tensor, if one is missing, has another shape or type, or impossible values."""
    num_pairs = len(tensors.get("pairs.source", ()))
    num_jumps = 2 * settings.longest_jump + 1
    wanted = {
        "pairs.source": (torch.int32, (num_pairs,)),
        "pairs.target": (torch.int32, (num_pairs,)),
        "pairs.probability": (torch.float32, (num_pairs, 2)),
        "null.source": (torch.float32, (num_source + 1,)),
        "null.target": (torch.float32, (num_target + 1,)),
        "jumps.forward": (torch.float64, (num_jumps,)),
        "jumps.reverse": (torch.float64, (num_jumps,)),
    }
    for name, (dtype, shape) in wanted.items():
        tensor = tensors.get(name)
        if tensor is None or tensor.dtype is not dtype or tuple(tensor.shape) != shape:
            came = "none" if tensor is None else f"{tensor.dtype} {list(tensor.shape)}"
            raise DataError(
                f"wanted {name} as {dtype} {list(shape)}, got {came}; the aligner is damaged: train it again"
            )
        if tensor.is_floating_point() and not bool(((tensor >= 0) & torch.isfinite(tensor)).all()):
            raise DataError(f"wanted {name} without negative or infinite values, got some; train the aligner again")
    _check_order(tensors["pairs.source"].long(), tensors["pairs.target"].long(), num_source, num_target)


def _check_order(sources: Tensor, targets: Tensor, num_source: int, num_target: int) -> None:
    keys = sources * num_target + targets
    inside = ((sources >= 0) & (sources < num_source) & (targets >= 0) & (targets < num_target)).all()
    if not bool(inside) or not bool((keys[1:] > keys[:-1]).all()):
        raise DataError(
            f"wanted pairs of {num_source} source and {num_target} target words in ascending order, got others; the "
            "aligner is damaged or has another's words: train it again"
        )
