"""What was attended to, kept on request: an explicit argument instead of hooks. Nobody pays while nobody asks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from weft.attention.protocol import Backend, KeyValues
from weft.attention.top import TopWeights, top_weights
from weft.base.shapes import Float, Tensor


@dataclass(frozen=True)
class Observation:
    """One call of one attention site: its queries `[b h t k]`, and the memory they read."""

    site: str
    query: Float[Tensor, "b h t k"]
    memory: KeyValues
    backend: Backend
    start: int = 0

    def weights(
        self, heads: Sequence[int] | None = None, rows: Sequence[int] | None = None
    ) -> Float[Tensor, "b h t s"]:
        """The weights of the chosen heads and rows, computed now, in float32."""
        return self.backend.weights(self.query, self.memory, start=self.start, heads=heads, rows=rows)

    def top(
        self, num: int, *, heads: Sequence[int] | None = None, rows: Sequence[int] | None = None, block: int = 2048
    ) -> TopWeights:
        """The `num` largest weights of each row with their keys, and the exact mass of the rest; see `top_weights`."""
        return top_weights(
            self.query,
            self.memory,
            num,
            scale=self.backend.scale,
            start=self.start,
            heads=heads,
            rows=rows,
            block=block,
        )


@dataclass
class Record:
    """A list that attention sites write to. `sites` names those to keep; None keeps all."""

    sites: Iterable[str] | None = None
    entries: list[Observation] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._wanted = None if self.sites is None else frozenset(self.sites)

    def note(self, observation: Observation) -> None:
        """Keep a reference to this call, if its site is wanted."""
        if self._wanted is None or observation.site in self._wanted:
            self.entries.append(observation)

    def at(self, site: str) -> list[Observation]:
        """The kept calls of one site, oldest first."""
        return [entry for entry in self.entries if entry.site == site]
