"""The decoder-only baseline: source and target are one sequence, read from left to right by the same layers.

There is no encoder and no cross-attention; what a target token knows of the source it takes from the self-attention
that also serves the target (Liu et al. 2018, "Generating Wikipedia by summarizing long sequences", section 4.2.3). Rows
are left aligned before they are read, so a target follows the last real token of its own source: padding stands only at
the end, where causality hides it, and every row counts its own positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import nn

from weft.attention.masks import Causal, Padding
from weft.attention.record import Record
from weft.base.padded import Padded
from weft.base.shapes import Float, Int, Tensor
from weft.layers.attention import Past
from weft.layers.block import EncoderLayer
from weft.layers.cache import Ancestors, History, Stepping
from weft.layers.prompt import Reading, behind_prompt, history_after
from weft.models.decoder import Encoded
from weft.models.text import TextOut


@dataclass(frozen=True)
class PromptedCache:
    """What stepping needs: the prompts, the buffer of each layer (prompt first), and whose history is whose."""

    prompt: Encoded
    histories: tuple[History, ...]
    ancestors: Ancestors

    def reorder(self, parents: Int[Tensor, "b n"]) -> PromptedCache:
        """Only the ancestor table moves: the prompt is everybody's, and the steps stay where they were written."""
        return replace(self, ancestors=self.ancestors.reorder(parents))

    def select(self, rows: Int[Tensor, " m"]) -> PromptedCache:
        histories = tuple(history.select(rows, self.ancestors) for history in self.histories)
        return PromptedCache(self.prompt.select(rows), histories, self.ancestors.select(rows))


class DecoderOnly(nn.Module):
    """A causal Transformer over source then target; speaks encode / init_cache / step, and forward for training."""

    def __init__(
        self, embed: nn.Module, layers: Sequence[EncoderLayer], norm: nn.Module, out: TextOut, vocabulary_size: int
    ) -> None:
        super().__init__()
        self.embed, self.layers, self.norm, self.out = embed, nn.ModuleList(layers), norm, out
        self.vocabulary_size = vocabulary_size

    def forward(
        self, source: Padded, target: Int[Tensor, "b t"], record: Record | None = None
    ) -> Float[Tensor, "b t w"]:
        """Logits of the token after each target position. Recorded queries and keys are those of the joint sequence."""
        return self.out(self._of_target(source, target, record))

    def states(
        self, source: Padded, target: Int[Tensor, "b t"], record: Record | None = None
    ) -> Float[Tensor, "b t columns"]:
        """What `projection` makes logits of; training projects real positions alone."""
        return self.out.columns(self._of_target(source, target, record))

    def _of_target(self, source: Padded, target: Tensor, record: Record | None) -> Float[Tensor, "b t d"]:
        real = torch.ones_like(target, dtype=torch.bool)
        joint = Padded(torch.cat((source.values, target), 1), torch.cat((source.keep, real), 1)).left_aligned()
        x_bsd = self._read(joint, Reading(Causal()), record)
        columns_bt = source.lengths[:, None] + torch.arange(target.shape[1], device=target.device)
        rows_b1 = torch.arange(len(target), device=target.device)[:, None]
        return self.norm(x_bsd[rows_b1, columns_bt])

    def projection(self) -> Float[Tensor, "w columns"]:
        """The table that makes logits of `states`."""
        return self.out.table()

    def encode(self, source: Padded, record: Record | None = None) -> Encoded:
        """The keys and values of every layer for the source as prompt, computed once for all hypotheses."""
        prompt = source.left_aligned()
        reading = Reading(Causal())
        self._read(prompt, reading, record)
        mask = Padding(prompt.keep)
        return Encoded(tuple(memory.with_mask(mask) for memory in reading.kept), prompt.keep)

    def init_cache(self, memory: Encoded, *, beam: int, capacity: int) -> PromptedCache:
        histories = tuple(history_after(layer, beam=beam, capacity=capacity) for layer in memory.cross)
        b, device = len(memory.keep), memory.keep.device
        return PromptedCache(memory, histories, Ancestors.empty(b, beam, capacity, device))

    def step(
        self, tokens: Int[Tensor, "b n"], cache: PromptedCache, record: Record | None = None
    ) -> tuple[Float[Tensor, "b n w"], PromptedCache]:
        """Hypotheses take the place of time: n queries at one position, which follows each row's own prompt."""
        cache.ancestors.check("tokens", tokens)
        ancestors = cache.ancestors.advance()
        position_b1 = cache.prompt.keep.sum(1, keepdim=True) + ancestors.length - 1
        mask = behind_prompt(cache.prompt.keep, ancestors)
        pasts = [Stepping(history, mask, ancestors.length) for history in cache.histories]
        x = self._run(self.embed(tokens, position_b1), pasts, position_b1, record)
        return self.out(self.norm(x)), replace(cache, ancestors=ancestors)

    def _read(self, sequence: Padded, past: Past, record: Record | None) -> Float[Tensor, "b s d"]:
        positions = torch.arange(sequence.values.shape[1], device=sequence.values.device)
        return self._run(self.embed(sequence.values, positions), [past] * len(self.layers), positions, record)

    def _run(self, x: Tensor, pasts: Sequence[Past], positions: Tensor, record: Record | None) -> Tensor:
        for layer, past in zip(self.layers, pasts, strict=True):
            x = layer(x, past, positions, record)
        return x
