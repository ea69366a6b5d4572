"""The three verbs a model must speak to be searched. The search owns them and knows no model class."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from weft.base.shapes import Float, Int, Tensor


@runtime_checkable
class Memory(Protocol):
    """A batch of encoded sources. The search may keep some of them and drop the rest."""

    def select(self, rows: Int[Tensor, " m"]) -> Memory: ...


@runtime_checkable
class Cache(Protocol):
    """What the decoder remembers between steps: a value passed in and returned; the one passed in is spent."""

    def reorder(self, parents: Int[Tensor, "b n"]) -> Cache:
        """Hypothesis i of source b continues what was hypothesis `parents[b, i]`."""
        ...

    def select(self, rows: Int[Tensor, " m"]) -> Cache:
        """Keep these sources (with all their hypotheses) and drop the others."""
        ...


@runtime_checkable
class Seq2Seq(Protocol):
    """A model that reads a source once and writes a target token by token."""

    vocabulary_size: int

    def encode(self, source: Any) -> Any:
        """Source ids `[b s]` (`Padded`), or whatever else the model reads, to a `Memory`; called once per source."""
        ...

    def init_cache(self, memory: Any, *, beam: int, capacity: int) -> Any:
        """An empty `Cache` for `beam` hypotheses a source and at most `capacity` steps."""
        ...

    def step(self, tokens: Int[Tensor, "b n"], cache: Any, record: Any = None) -> tuple[Float[Tensor, "b n w"], Any]:
        """The logits after reading one more token of each hypothesis, and the cache that knows it.

        The logits are the caller's: nobody else reads them, and it may write into them.
        """
        ...
