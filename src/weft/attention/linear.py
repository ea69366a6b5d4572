"""Attention to a summary: what a source has to say as one matrix a head, however long it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from weft.attention.features import Elu, Features
from weft.attention.masks import Full, Mask, Padding
from weft.attention.of_keys import of_keys, real_keys
from weft.attention.protocol import Feature, KeyValues, check_queries, checked, require
from weft.attention.rows import groups_of, queries_of
from weft.base.shapes import Bool, Float, Int, Tensor

_KEYS_AT_ONCE = 8192


@dataclass(frozen=True)
class Summary:
    """sum_j phi(k_j) v_j^T and sum_j phi(k_j) over the keys of a source, and how many there are; at least float32."""

    state: Float[Tensor, "b g m e"]
    total: Float[Tensor, "b g m"]
    count: Int[Tensor, " b"]

    def with_(self, other: Summary) -> Summary:
        """The summary of both sources, or of one and what has come since."""
        return Summary(self.state + other.state, self.total + other.total, self.count + other.count)

    def select(self, rows: Int[Tensor, " m"]) -> Summary:
        return Summary(self.state[rows], self.total[rows], self.count[rows])


class Linear:
    """phi(q) (sum_j phi(k_j) v_j^T) / (phi(q) sum_j phi(k_j)) (Katharopoulos et al. 2020, equation 5).

    The sums are made once a source, in O(s), and a step costs O(k e) whatever the length of the source. It is not
    softmax: a model must be trained with it. Sums of parts add up, so that a source may come in chunks or go on
    growing (`extended`). Weights are non-negative and sum to one; reporting them reads the keys.
    """

    supports = frozenset({Feature.GROUPS, Feature.VALUE_WIDTH})
    exact, indexes = False, True

    def __init__(self, scale: float | None = None, *, features: Features | None = None) -> None:
        self.scale, self.features = scale, features or Elu()

    def prepare(self, k: Tensor, v: Tensor, *, mask: Mask | None = None, bias: Tensor | None = None) -> KeyValues:
        mask = mask or Full()
        require(self.supports, {Feature.BIAS: bias is not None, Feature.ARBITRARY_MASK: not of_keys(mask, k)}, "linear")
        memory = checked(k, v, mask, None)
        return replace(memory, index=self.summary(memory))

    def extended(self, memory: KeyValues, k: Tensor, v: Tensor) -> KeyValues:
        """A memory of one batch with further keys and values, all of them real; what was summed up is not read."""
        more = self.prepare(k, v)
        assert isinstance(more.index, Summary)
        whole = torch.cat((real_keys(memory), real_keys(more)), 1)
        from_now = replace(memory, k=torch.cat((memory.k, k), 2), v=torch.cat((memory.v, v), 2))
        return replace(from_now, mask=Padding(whole), index=self._summary_of(memory).with_(more.index))

    def attend(self, q: Tensor, memory: KeyValues, *, start: int = 0, dropout: float = 0.0) -> Tensor:
        self._refuse(memory, dropout)
        check_queries(q, memory)
        summary, (b, h, t, _), g = self._summary_of(memory), q.shape, memory.k.shape[1]
        phi_bhtm = self.features.of_queries(q, self._scale(q))
        phi_bgrm = phi_bhtm.reshape(b, g, h // g * t, phi_bhtm.shape[3])
        with torch.autocast(q.device.type, enabled=False):
            context = phi_bgrm @ summary.state / self._norm(phi_bgrm, summary)[..., None]
        return context.reshape(b, h, t, memory.v.shape[3]).to(q.dtype)

    def weights(
        self,
        q: Tensor,
        memory: KeyValues,
        *,
        start: int = 0,
        heads: Sequence[int] | None = None,
        rows: Sequence[int] | None = None,
    ) -> Tensor:
        self._refuse(memory, 0.0)
        check_queries(q, memory)
        groups, summary = groups_of(q.shape[1], memory.k.shape[1], heads), self._summary_of(memory)
        phi_bhtm = self.features.of_queries(queries_of(q, heads, rows), self._scale(q))
        own = Summary(summary.state[:, groups], summary.total[:, groups], summary.count)
        phi_bhsm = self._of_keys(memory.keys_of(slice(None))[:, groups], real_keys(memory))
        with torch.autocast(q.device.type, enabled=False):
            return phi_bhtm @ phi_bhsm.mT / self._norm(phi_bhtm, own)[..., None]

    def summary(self, memory: KeyValues) -> Summary:
        """What attention will know of these keys and values, made of a few thousand at a time."""
        keep_bs = real_keys(memory)
        dtype = torch.promote_types(memory.k.dtype, torch.float32)
        b, g, s, width = memory.k.shape
        num = self.features.of_keys(memory.k.new_zeros(1, width), 1.0).shape[1]
        state, total = (memory.k.new_zeros(b, g, num, *more, dtype=dtype) for more in ((memory.v.shape[3],), ()))
        with torch.autocast(memory.k.device.type, enabled=False):
            for first in range(0, s, _KEYS_AT_ONCE):
                keys = slice(first, first + _KEYS_AT_ONCE)
                phi_bgsm = self._of_keys(memory.keys_of(keys), keep_bs[:, keys])
                state = state + phi_bgsm.mT @ memory.values_of(keys, dtype)
                total = total + phi_bgsm.sum(2)
        return Summary(state, total, keep_bs.sum(1))

    def _of_keys(self, k: Float[Tensor, "b g s k"], keep: Bool[Tensor, "b s"]) -> Float[Tensor, "b g s m"]:
        """Features of keys; 0 for those of padding."""
        return self.features.of_keys(k, self._scale(k)).masked_fill(~keep[:, None, :, None], 0.0)

    def _norm(self, phi: Float[Tensor, "b g r m"], summary: Summary) -> Float[Tensor, "b g r"]:
        """What products are divided by; 1 where there is no key at all."""
        norm = (phi @ summary.total[..., None])[..., 0]
        empty = (summary.count == 0)[:, None, None]
        return norm.masked_fill(empty, 1.0)

    def _summary_of(self, memory: KeyValues) -> Summary:
        return memory.index if isinstance(memory.index, Summary) else self.summary(memory)

    def _refuse(self, memory: KeyValues, dropout: float) -> None:
        needs = {
            Feature.BIAS: memory.bias is not None,
            Feature.DROPOUT: dropout > 0,
            Feature.ARBITRARY_MASK: not of_keys(memory.mask, memory.k),
        }
        require(self.supports, needs, "linear")

    def _scale(self, x: Tensor) -> float:
        return float(x.shape[-1] ** -0.5 if self.scale is None else self.scale)
