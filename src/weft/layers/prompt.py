"""A prompt in front of the history: read once, then shared by every hypothesis that goes on from it.

Prompt and steps live in one buffer, `[b g s+c*n k]`: s columns of prompt, then the n slots of each of c steps. So a
step attends to both in one call over a view, and the prompt is copied once a source (into the buffer), never once a
beam.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from weft.attention.masks import Arbitrary, Mask
from weft.attention.protocol import Backend, KeyValues
from weft.base.shapes import Bool, Float, Int, Tensor
from weft.layers.cache import Ancestors


@dataclass(frozen=True)
class Reading:
    """Self-attention over a whole prompt; `kept` gains the keys and values of each layer that reads it, in order."""

    mask: Mask
    kept: list[KeyValues] = field(default_factory=list)

    def extend(self, k: Tensor, v: Tensor, backend: Backend) -> KeyValues:
        self.kept.append(backend.prepare(k, v, mask=self.mask))
        return self.kept[-1]


@dataclass(frozen=True)
class PromptedHistory:
    """Keys and values of one layer: a prompt of `prompt_length` columns, then room for every slot of every step."""

    k: Float[Tensor, "b g columns k"]
    v: Float[Tensor, "b g columns e"]
    prompt_length: int

    @staticmethod
    def after(prompt: KeyValues, *, beam: int, capacity: int) -> PromptedHistory:
        """The prompt `[b g s k]` with empty room for `capacity` steps of `beam` hypotheses behind it."""
        room = (0, 0, 0, capacity * beam)
        pad = torch.nn.functional.pad
        return PromptedHistory(pad(prompt.k, room), pad(prompt.v, room), prompt.k.shape[2])

    def select(self, rows: Int[Tensor, " m"]) -> PromptedHistory:
        return PromptedHistory(self.k[rows], self.v[rows], self.prompt_length)


@dataclass(frozen=True)
class Continuing:
    """Self-attention of one step behind a prompt: new keys and values `[b g n k]` join the buffer of their layer."""

    history: PromptedHistory
    mask: Mask
    length: int

    def extend(self, k: Tensor, v: Tensor, backend: Backend) -> KeyValues:
        end = self.history.prompt_length + self.length * k.shape[2]
        self.history.k[:, :, end - k.shape[2] : end] = k
        self.history.v[:, :, end - k.shape[2] : end] = v
        return KeyValues(self.history.k[:, :, :end], self.history.v[:, :, :end], self.mask)


def behind_prompt(keep: Bool[Tensor, "b s"], ancestors: Ancestors) -> Mask:
    """Hypotheses as queries; as keys the real positions of their prompt, then the slots of their own history."""
    num_sources, beam, _ = ancestors.slots.shape
    queries = torch.arange(beam, device=keep.device)
    slots = torch.arange(ancestors.length * beam, device=keep.device)
    own = ancestors.mask().dense(queries, slots).expand(num_sources, 1, beam, -1)
    return Arbitrary(torch.cat((keep[:, None, None].expand(-1, 1, beam, -1), own), -1))
