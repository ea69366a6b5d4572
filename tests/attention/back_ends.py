"""Every back end that owes the laws, in sizes that make small problems take all of its ways."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

from weft.attention import Backend, ByLength, Chunked, Fused, Moving, Pages, Reference, TopK
from weft.attention.features import Favor
from weft.attention.linear import Linear
from weft.attention.pooled import Pooled


def _by_length(scale: float | None = None) -> ByLength:
    return ByLength(Pages(scale, tolerance=0.1, page=2, pages=1, most=0.8), crossover=5)


BACKENDS: dict[str, Callable[..., Backend]] = {
    "reference": Reference,
    "fused": Fused,
    "chunked": partial(Chunked, chunk=3),
    "pages": partial(Pages, tolerance=0.1, page=2, pages=1, most=0.8),
    "top-k": partial(TopK, num=2),
    "window": partial(Moving, width=1, keep=0.5),
    "by length": _by_length,
    "linear": Linear,
    "favor": partial(Linear, features=Favor(7)),
    "pooled": partial(Pooled, stride=2, refine=1),
}
KINDS = [(name, dtype) for name in ("reference", "fused") for dtype in (torch.float64, torch.float32, torch.bfloat16)]
KINDS += [(name, torch.float64) for name in BACKENDS if name not in ("reference", "fused")]
KINDS += [(name, torch.bfloat16) for name in ("chunked", "pages", "linear")]
"""Back ends with the dtypes in which they are held to the laws; those that choose keys choose alike in all."""
WITHOUT_PLACES = ["reference", "fused", "chunked", "top-k", "linear", "favor"]
"""Those to whom a source is a set; the others look at stretches of it."""
