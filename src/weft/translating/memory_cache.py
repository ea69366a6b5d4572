"""The memories of the sources that were read last, by content: reading the same text again costs nothing."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch


class Memory(Protocol):
    """Encoded sources that come apart into one memory a source, and together again."""

    def parts(self) -> Sequence[Memory]: ...

    @staticmethod
    def joined(parts: Sequence[Any]) -> Memory: ...

    def to(self, device: torch.device, dtype: torch.dtype) -> Memory: ...


def _joined(held: Sequence[Memory | None]) -> Any:
    """One memory of all that are held."""
    memories = [memory for memory in held if memory is not None]
    return memories[0].joined(memories)


class MemoryCache:
    """At most `capacity` memories of one source each; the one that was not asked for longest is forgotten first."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._held: OrderedDict[tuple[Any, ...], Memory] = OrderedDict()

    def __len__(self) -> int:
        return len(self._held)

    def get(self, content: Sequence[Any]) -> Memory | None:
        """The memory of this content (token ids, or what tells several sources from others), if it is still held."""
        key = tuple(content)
        if key in self._held:
            self._held.move_to_end(key)
        return self._held.get(key)

    def put(self, content: Sequence[Any], memory: Memory) -> None:
        self._held[tuple(content)] = memory
        while len(self._held) > self.capacity:
            self._held.popitem(last=False)

    def filled(
        self,
        contents: Sequence[Sequence[Any]],
        known: Sequence[Memory | None],
        encode: Callable[[list[int]], Any],
    ) -> Any:
        """One memory of all contents; `encode` reads those (by their places) that are neither `known` nor held, and of
        equal ones the first."""
        held = [mine or self.get(content) for mine, content in zip(known, contents, strict=True)]
        missing = [(tuple(contents[row]), row) for row, memory in enumerate(held) if memory is None]
        if not missing:
            return _joined(held)
        firsts = dict(reversed(missing))
        fresh = encode(sorted(firsts.values()))
        if len(firsts) == len(contents) and not self.capacity:
            return fresh
        made = dict(zip(sorted(firsts, key=firsts.__getitem__), fresh.parts(), strict=True))
        for content, row in missing:
            held[row] = made[content]
        for content, memory in made.items():
            self.put(content, memory)
        return fresh if len(firsts) == len(contents) else _joined(held)
