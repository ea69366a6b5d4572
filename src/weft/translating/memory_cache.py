"""The memories of the sources that were read last, by content: reading the same text again costs nothing."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Protocol

import torch


class Memory(Protocol):
    """Encoded sources that come apart into one memory a source, and together again."""

    def parts(self) -> Sequence[Memory]: ...

    @staticmethod
    def joined(parts: Sequence[Any]) -> Memory: ...

    def to(self, device: torch.device, dtype: torch.dtype) -> Memory: ...


class MemoryCache:
    """At most `capacity` memories of one source each; the one that was not asked for longest is forgotten first."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._held: OrderedDict[tuple[int, ...], Memory] = OrderedDict()

    def __len__(self) -> int:
        return len(self._held)

    def get(self, ids: Sequence[int]) -> Memory | None:
        """The memory of these token ids, if it is still held."""
        key = tuple(ids)
        if key in self._held:
            self._held.move_to_end(key)
        return self._held.get(key)

    def put(self, ids: Sequence[int], memory: Memory) -> None:
        self._held[tuple(ids)] = memory
        while len(self._held) > self.capacity:
            self._held.popitem(last=False)
