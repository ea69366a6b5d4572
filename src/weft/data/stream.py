"""An endless stream of planned batches, epoch after epoch, that knows where it stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weft.base.errors import ConfigError

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Plan:
    """The rows of a batch that is not built yet."""

    epoch: int
    rows: Rows


class Stream:
    """The plans of one epoch after the other; `plan` is a pure function of the epoch's number.

    Where the stream stands is two numbers, `state_dict()`; with the same `identity` (data, budget, seed) the plans
    after it are identical.
    """

    def __init__(self, plan: Callable[[int], list[Plan]], identity: Mapping[str, int]) -> None:
        self._plan, self._identity = plan, dict(identity)
        self._epoch = self._index = 0
        self._planned = plan(0)

    def take(self, count: int) -> list[Plan]:
        """The next `count` plans."""
        return [self._next() for _ in range(count)]

    def state_dict(self) -> dict[str, int]:
        """Where the stream stands, and what it depends on."""
        return {"epoch": self._epoch, "index": self._index, **self._identity}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Goes on where another stream of the same data stood; ConfigError if data, budget or seed are not the same."""
        for name, value in self._identity.items():
            if state[name] != value:
                raise ConfigError(
                    f"to go on where training stopped, {name} must be {state[name]}, got {value}; "
                    "resume with the same data and settings, or start anew"
                )
        self._epoch, self._index = state["epoch"], state["index"]
        self._planned = self._plan(self._epoch)

    def _next(self) -> Plan:
        if self._index >= len(self._planned):
            self._epoch, self._index = self._epoch + 1, 0
            self._planned = self._plan(self._epoch)
        self._index += 1
        return self._planned[self._index - 1]
