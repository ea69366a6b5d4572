"""A prompt in front of the history: read once, then shared by every hypothesis that goes on from it.

Prompt and steps live in one buffer, `[b g s+c*n k]`: s columns of prompt, then the n slots of each of c steps. So a
step attends to both in one call over a view, and the prompt is copied once a source (into the buffer), never once a
beam.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F

from weft.attention.masks import Arbitrary, Mask
from weft.attention.protocol import Backend, KeyValues
from weft.base.shapes import Bool, Tensor
from weft.layers.cache import Ancestors, History


@dataclass(frozen=True)
class Reading:
    """Self-attention over a whole prompt; `kept` gains the keys and values of each layer that reads it, in order."""

    mask: Mask
    kept: list[KeyValues] = field(default_factory=list)

    def extend(self, k: Tensor, v: Tensor, backend: Backend) -> KeyValues:
        self.kept.append(backend.prepare(k, v, mask=self.mask))
        return self.kept[-1]


def history_after(prompt: KeyValues, *, beam: int, capacity: int) -> History:
    """The prompt `[b g s k]` with empty room for `capacity` steps of `beam` hypotheses behind it."""
    room = (0, 0, 0, capacity * beam)
    return History(F.pad(prompt.k, room), F.pad(prompt.v, room), lead=prompt.k.shape[2])


def behind_prompt(keep: Bool[Tensor, "b s"], ancestors: Ancestors) -> Mask:
    """Hypotheses as queries; as keys the real positions of their prompt, then the slots of their own history."""
    num_sources, beam, _, _ = ancestors.own.shape
    queries = torch.arange(beam, device=keep.device)
    slots = torch.arange(ancestors.length * beam, device=keep.device)
    own = ancestors.mask().dense(queries, slots).expand(num_sources, 1, beam, -1)
    return Arbitrary(torch.cat((keep[:, None, None].expand(-1, 1, beam, -1), own), -1))
