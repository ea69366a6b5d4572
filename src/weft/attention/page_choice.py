"""Which pages each row reads: the best few, more where the bound on the rest asks for it, or all."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from weft.attention.blocks import log_sum
from weft.attention.protocol import KeyValues
from weft.attention.reading import Chosen, Reading
from weft.attention.rows import Rows
from weft.base.shapes import Float, Tensor

_MOST_KEYS = 1 << 17  # gathered at once over all rows: 64 MB of keys and values of width 64


@dataclass(frozen=True)
class Choosing:
    """How rows choose: pages of `page` keys, `first` at once, so many that at most `tolerance` of the weight is left.

    `most` is the largest share of its pages that a row reads one by one; a row that wants more reads all keys.
    """

    page: int
    first: int
    most: float
    tolerance: float

    def choose(self, rows: Rows, bounds: Float[Tensor, "n p"], memory: KeyValues, scale: float) -> Chosen:
        """What every row reads."""
        first = min(self.first, bounds.shape[1])
        found = []
        for some in torch.split(
            torch.arange(len(rows), device=bounds.device), max(1, _MOST_KEYS // (first * self.page))
        ):
            bounds_np = bounds[some]
            best = bounds_np.topk(first, -1).indices
            reading = self._read(rows, some, best, bounds_np.scatter(1, best, -torch.inf), memory=memory, scale=scale)
            done = reading.left_out <= self.tolerance
            if bool(done.all()):
                found.append(Chosen(some[:0], (reading,)))
                continue
            found.append(Chosen(some[:0], (reading.select(done),)))
            sums = log_sum(reading.scores.detach())
            found.append(self._more(rows, some[~done], bounds_np[~done], sums[~done], memory, scale))
        return Chosen.of(found, bounds.device)

    def _more(self, rows: Rows, some: Tensor, bounds: Tensor, sums: Tensor, memory: KeyValues, scale: float) -> Chosen:
        """As many pages as leave too little: what the first ones weigh is known, and reading more only adds to it."""
        most = (self.most * (bounds > -torch.inf).sum(-1)).long()
        limit = sums + _log_odds(self.tolerance)
        hopeful = (bounds > limit[:, None]).sum(-1) <= most  # each of these pages alone would be too much to leave
        sorted_np, order = bounds[hopeful].sort(-1, descending=True)
        rest_np = sorted_np.flip(-1).logcumsumexp(-1).flip(-1)
        num = (rest_np > limit[hopeful, None]).sum(-1)
        enough = num <= most[hopeful]
        dense = torch.cat((some[~hopeful], some[hopeful][~enough]))
        some, sorted_np, order, num = (part[enough] for part in (some[hopeful], sorted_np, order, num))
        if not len(some):
            return Chosen(dense)
        beyond = torch.arange(bounds.shape[1], device=num.device) >= num[:, None]
        rest, pages = sorted_np.masked_fill(~beyond, -torch.inf), order.masked_fill(beyond, -1)[:, : int(num.max())]
        rows_at_once = max(1, _MOST_KEYS // max(1, pages.shape[1] * self.page))
        few = zip(*(torch.split(part, rows_at_once) for part in (some, pages, rest)), strict=True)
        return Chosen(dense, tuple(self._read(rows, *part, memory=memory, scale=scale) for part in few))

    def _read(
        self, rows: Rows, some: Tensor, pages: Tensor, rest: Float[Tensor, "n p"], *, memory: KeyValues, scale: float
    ) -> Reading:
        """What rows find in their pages (-1: none), with the bounds of all pages but these."""
        within = torch.arange(self.page, device=pages.device)
        keys = (pages[..., None] * self.page + within).flatten(1)
        keys = keys.masked_fill((keys < 0) | (keys >= memory.k.shape[2]), -1)
        scores = rows.select(some).scores(memory, keys, scale)
        rest_n, sums = log_sum(rest), log_sum(scores.detach())
        left_out = torch.where(rest_n == -torch.inf, 0.0, torch.sigmoid(rest_n - sums))
        return Reading(some, keys, scores, left_out)


def _log_odds(share: float) -> float:
    return math.log(share) - math.log1p(-share) if share > 0 else -math.inf
