"""The queries that one hypothesis asked, picked out of what the whole beam asked at every step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from weft.attention.record import Observation
from weft.base.errors import ShapeError
from weft.base.padded import pad
from weft.base.shapes import Bool, Float, Int, Tensor


@dataclass(frozen=True)
class Asked:
    """What some hypotheses asked of their sources at one site, with queries `[m h t k]`: one row m a hypothesis.

    `keep` `[m t]` is True where hypothesis m made step t. The memory of `observation` has the same m rows.
    """

    observation: Observation
    keep: Bool[Tensor, "m t"]

    def weights(self, heads: Sequence[int] | None = None) -> Float[Tensor, "m r t s"]:
        """Weights of the chosen heads r (all by default), float32, for all hypotheses in one call of the back end."""
        return self.observation.weights(heads=None if heads is None else tuple(heads))


def gather(
    observations: Sequence[Observation],
    rows: Sequence[Int[Tensor, " r"]],
    *,
    sources: Sequence[int],
    slots: Sequence[Sequence[int]],
) -> Asked:
    """What each hypothesis m asked: of source `sources[m]`, standing in beam slot `slots[m][t]` at step t.

    `observations` holds one entry a decoding step, all of one site, with queries `[r h n k]` where n is the beam;
    `rows[t]` names the sources still searched at step t, in the order of the query's rows. One indexing picks from the
    queries of all steps, so Python does no work per hypothesis and step. Raises ShapeError if steps, rows and slots are
    not of one search.
    """
    if not observations or len(observations) != len(rows):
        raise ShapeError(
            f"gather needs one observation of one site and one tensor of rows for each step, got {len(observations)} "
            f"observations and {len(rows)} rows; pick the entries of one site, recorded from the first step on"
        )
    where = pad([list(of_one) for of_one in slots])
    row = _rows_asked(rows, torch.as_tensor(list(sources), dtype=torch.long), where.values.shape[1])
    if bool(((row < 0) & where.keep).any()):
        raise ShapeError(
            "every step of a hypothesis needs a recorded row of its source, got slots for a step at which it was no "
            "longer searched; pass rows and slots of the search that was recorded"
        )
    first = observations[0]
    queries = torch.cat([observation.query for observation in observations])  # "(all rows) h n k"
    on = queries.device
    row_mt = row.where(where.keep, torch.zeros_like(row)).to(on)
    query = queries[row_mt, :, where.values.to(on)].transpose(1, 2)  # m t h k -> m h t k
    own = row[:, 0].to(on)  # step 0 comes first, so its row numbers are those of its memory
    whole = None if first.whole is None else first.whole.select(own)
    return Asked(replace(first, query=query, memory=first.memory.select(own), whole=whole), where.keep.to(on))


def _rows_asked(rows: Sequence[Tensor], sources: Tensor, steps: int) -> Tensor:
    """The row of each source at each step, counted through all steps end to end, `[m t]`; -1 where there is none."""
    if len(rows) >= steps and all(of_step is rows[0] for of_step in rows):  # nobody left the batch
        place = {row: place for place, row in enumerate(rows[0].tolist())}
        first = torch.tensor([place.get(source, -1) for source in sources.tolist()])[:, None]
        return torch.where(first < 0, -1, first + len(place) * torch.arange(steps))
    counts = torch.tensor([len(of_step) for of_step in rows])
    every = torch.cat(list(rows)).cpu()
    table = torch.full((max(len(rows), steps), int(torch.cat([every, sources]).max()) + 1), -1)
    table[torch.arange(len(rows)).repeat_interleave(counts), every] = torch.arange(len(every))
    return table[:steps, sources].T
