"""The state of something long-running: named tensors, and everything else as JSON values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from weft.base.shapes import Tensor


@dataclass(frozen=True)
class Snapshot:
    """What a later process needs to go on as if nothing had happened."""

    tensors: dict[str, Tensor]
    numbers: dict[str, Any]
