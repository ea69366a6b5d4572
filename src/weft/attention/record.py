"""What was attended to, kept on request: an explicit argument instead of hooks. Nobody pays while nobody asks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypedDict, runtime_checkable

import torch
import torch.nn.functional as F

from weft.attention.normaliser import log_normaliser
from weft.attention.norms import value_norms
from weft.attention.own_weights import OwnWeights
from weft.attention.protocol import Backend, KeyValues
from weft.attention.sparse import check_edges, log_weights_at
from weft.attention.statistics import coverage, entropy, expected_position, segment_mass
from weft.attention.top import TopWeights, top_weights
from weft.base.errors import UnsupportedError
from weft.base.shapes import Float, Int, Tensor


class _Asked(TypedDict):
    """What every reading of a call is told."""

    scale: float | None
    start: int
    heads: Sequence[int] | None


@runtime_checkable
class Projection(Protocol):
    """A linear layer, whose weight may cost something to ask for."""

    @property
    def weight(self) -> Float[Tensor, "d he"]: ...


@runtime_checkable
class NoWord(Protocol):
    """A score of "no word" for one head: `Null`, or what else knows it."""

    @property
    def head(self) -> int: ...

    def scores(self, query: Float[Tensor, "b h t k"], scale: float | None) -> Float[Tensor, "b t"]:
        """n of every query, at least float32."""
        ...


@dataclass(frozen=True)
class Null:
    """A learned score of "no word" for one head: n_t = scale q_t key + bias. It competes in reports, never in `attend`.

    What the head reports is the softmax over the scores and n; the share of n is the query's NULL mass.
    """

    head: int
    key: Float[Tensor, " k"]
    bias: Float[Tensor, ""]

    def scores(self, query: Float[Tensor, "b h t k"], scale: float | None) -> Float[Tensor, "b t"]:
        """n of every query, at least float32; `scale` is that of the back end, 1/sqrt(k) where it is None."""
        dtype = torch.promote_types(query.dtype, torch.float32)
        factor = query.shape[-1] ** -0.5 if scale is None else scale
        return (query[:, self.head].to(dtype) * self.key).sum(-1) * factor + self.bias


@dataclass(frozen=True)
class Observation:
    """One call of one attention site: its queries `[b h t k]`, and the memory they read.

    `output` is the site's output projection W_o, by which heads are weighed; `null` belongs to one head. Where the call
    read several sources in one softmax, `memory` is one of them and `whole` is all: a row then sums to its mass.

    All answers are of the weights by which the back end read, those of an approximate one being its own. Two are of
    scores, and so of the softmax over every key whatever the back end: `log_normaliser`, and the share of NULL.
    """

    site: str
    query: Float[Tensor, "b h t k"]
    memory: KeyValues
    backend: Backend
    start: int = 0
    output: Projection | None = None
    null: NoWord | None = None
    whole: KeyValues | None = None

    def weights(
        self, heads: Sequence[int] | None = None, rows: Sequence[int] | None = None
    ) -> Float[Tensor, "b h t s"]:
        """The weights of the chosen heads and rows, computed now, in float32; a row sums to 1 less its NULL mass."""
        weights_bhts = self.backend.weights(self.query, self.memory, start=self.start, heads=heads, rows=rows)
        word_bht = self._word_mass(heads, rows)
        return weights_bhts if word_bht is None else weights_bhts * word_bht[..., None]

    def mass(self, heads: Sequence[int] | None = None) -> Float[Tensor, "b h t"]:
        """The share of each query's weight that is on `memory`: exp(L - L_whole), L being the log normaliser.

        Where it is all that the call read, that is 1, and 0 where nothing may be read.
        """
        of_part = self.log_normaliser(heads)
        of_whole = of_part if self.whole is None else log_normaliser(self.query, self.whole, **self._asked(heads))
        return (of_part - of_whole).exp().masked_fill(of_part == -torch.inf, 0.0)

    def null_mass(self, rows: Sequence[int] | None = None) -> Float[Tensor, "b t"]:
        """The share of "no word" in what each query reports, by the head that has a `Null`; 0 without one."""
        if self.null is None:
            num_rows = self.query.shape[2] if rows is None else len(rows)
            dtype = torch.promote_types(self.query.dtype, torch.float32)
            return self.query.new_zeros(self.query.shape[0], num_rows, dtype=dtype)
        return torch.sigmoid(-self._margin(rows))

    def top(
        self,
        num: int,
        *,
        heads: Sequence[int] | None = None,
        rows: Sequence[int] | None = None,
        block: int | None = None,
    ) -> TopWeights:
        """The `num` largest weights of each row with their keys, and the exact mass of other keys: `top_weights`."""
        top = (
            top_weights(self.query, self.memory, num, rows=rows, block=block, **self._asked(heads))
            if self.backend.exact
            else self._own.top(num, heads, rows)
        )
        word_bht = self._word_mass(heads, rows)
        if word_bht is None:
            return top
        return TopWeights(top.probability * word_bht[..., None], top.index, top.rest * word_bht)

    def log_weights_at(self, edges: Int[Tensor, "n 3"], *, head: int) -> Float[Tensor, " n"]:
        """Differentiable log weights at edges (row, query, key), NULL as key -1; see `sparse.log_weights_at`.

        A key that an approximate back end did not read has -inf.
        """
        if not self.backend.exact:
            return self._own_log_weights_at(edges, head)
        return self.log_weights_of_scores_at(edges, head=head)

    def log_weights_of_scores_at(self, edges: Int[Tensor, "n 3"], *, head: int) -> Float[Tensor, " n"]:
        """The same of the softmax over every key, whatever the back end read: finite wherever the mask allows."""
        null = None
        if self.null is not None and self.null.head == head:
            null = self.null.scores(self.query, self.backend.scale)
        return log_weights_at(
            self.query, self.memory, edges, head=head, scale=self.backend.scale, start=self.start, null=null
        )

    def log_normaliser(self, heads: Sequence[int] | None = None) -> Float[Tensor, "b h t"]:
        """Log of the sum of exp of the scores of keys; see `normaliser.log_normaliser`."""
        return log_normaliser(self.query, self.memory, **self._asked(heads))

    def entropy(self, heads: Sequence[int] | None = None) -> Float[Tensor, "b h t"]:
        """Entropy in nats over the keys alone, as `attend` reads them; see `statistics.entropy`."""
        if not self.backend.exact:
            return self._own.entropy(heads)
        return entropy(self.query, self.memory, **self._asked(heads))

    def expected_position(self, heads: Sequence[int] | None = None) -> Float[Tensor, "b h t"]:
        """Mean key over the keys alone, as `attend` reads them; see `statistics.expected_position`."""
        if not self.backend.exact:
            return self._own.expected_position(heads)
        return expected_position(self.query, self.memory, **self._asked(heads))

    def segment_mass(
        self, segments: Int[Tensor, "#b s"], num_segments: int, heads: Sequence[int] | None = None
    ) -> Float[Tensor, "b h t n"]:
        """`weights` summed over each segment, without forming them; see `statistics.segment_mass`."""
        mass_bhtn = (
            segment_mass(self.query, self.memory, segments, num_segments, **self._asked(heads))
            if self.backend.exact
            else self._own.segment_mass(segments, num_segments, heads)
        )
        word_bht = self._word_mass(heads, None)
        return mass_bhtn if word_bht is None else mass_bhtn * word_bht[..., None]

    def coverage(
        self, heads: Sequence[int] | None = None, share: Float[Tensor, "#b #h #t"] | None = None
    ) -> Float[Tensor, "b h s"]:
        """`weights` summed over queries, without forming them, each times its share; see `statistics.coverage`."""
        word_bht = self._word_mass(heads, None)
        if word_bht is not None:
            share = word_bht if share is None else word_bht * share
        if not self.backend.exact:
            return self._own.coverage(heads, share)
        return coverage(self.query, self.memory, share=share, **self._asked(heads))

    def value_norms(self, heads: Sequence[int] | None = None) -> Float[Tensor, "b h s"]:
        """|v_j W_o^h| of every key, by which a weight becomes a contribution; see `norms.value_norms`.

        Raises UnsupportedError where the site did not note its output projection.
        """
        if self.output is None:
            raise UnsupportedError(
                f"value_norms wants the output projection of {self.site}, which was not noted; pass output= to "
                "Observation"
            )
        return value_norms(self.memory.values_of(slice(None)), self.output.weight, heads)

    @property
    def _own(self) -> OwnWeights:
        return OwnWeights(self.backend, self.query, self.memory, self.start)

    def _own_log_weights_at(self, edges: Int[Tensor, "n 3"], head: int) -> Float[Tensor, " n"]:
        has_null = self.null is not None and self.null.head == head
        check_edges(edges, has_null)
        logs = self._own.log_weights_at(edges, head)
        if not has_null:
            return logs
        row, query, key = edges.unbind(-1)
        margin = self._margin(None)[row, query]
        return torch.where(key < 0, F.logsigmoid(-margin), logs + F.logsigmoid(margin))

    def _asked(self, heads: Sequence[int] | None) -> _Asked:
        return {"scale": self.backend.scale, "start": self.start, "heads": heads}

    def _margin(self, rows: Sequence[int] | None) -> Float[Tensor, "b t"]:
        """By how much the log normaliser of the keys exceeds the score of "no word"."""
        assert self.null is not None
        margin_bt = self.log_normaliser([self.null.head])[:, 0] - self.null.scores(self.query, self.backend.scale)
        return margin_bt if rows is None else margin_bt[:, list(rows)]

    def _word_mass(self, heads: Sequence[int] | None, rows: Sequence[int] | None) -> Float[Tensor, "b h t"] | None:
        """What is left for words: 1 less the NULL mass of its head, 1 for other heads; None where nothing is taken.

        Of one source among several in a softmax, its mass.
        """
        if self.whole is not None:
            mass_bht = self.mass(heads)
            return mass_bht if rows is None else mass_bht[:, :, list(rows)]
        chosen = list(range(self.query.shape[1]) if heads is None else heads)
        if self.null is None or self.null.head not in chosen:
            return None
        word_bt = torch.sigmoid(self._margin(rows))
        whole_bt = torch.ones_like(word_bt)
        return torch.stack([word_bt if head == self.null.head else whole_bt for head in chosen], 1)


@dataclass
class Record:
    """A list that attention sites write to. `sites` names those to keep; None keeps all."""

    sites: Iterable[str] | None = None
    entries: list[Observation] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._wanted = None if self.sites is None else frozenset(self.sites)

    def wants(self, site: str) -> bool:
        """Whether calls of this site are kept: to ask first spares what nobody will read."""
        return self._wanted is None or site in self._wanted

    def note(self, observation: Observation) -> None:
        """Keep a reference to this call, if its site is wanted."""
        if self.wants(observation.site):
            self.entries.append(observation)

    def at(self, site: str) -> list[Observation]:
        """The kept calls of one site, oldest first."""
        return [entry for entry in self.entries if entry.site == site]
