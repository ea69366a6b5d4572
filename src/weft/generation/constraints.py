"""The rules of one search in force at each step, and what they must remember."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from weft.base.padded import pad
from weft.base.shapes import Float, Int, Tensor
from weft.generation import logits as rule
from weft.generation.settings import SearchSettings

FREE = -1


class Constraints:
    """Bans, lengths, n-grams and forced prefixes, for the sources still in the batch.

    A forced token beats every ban. Where no token is left, `</s>` is: a hypothesis that may write nothing else ends.
    """

    def __init__(
        self,
        settings: SearchSettings,
        prefix: Sequence[Sequence[int]],
        *,
        eos: int,
        width: int,
        device: torch.device,
    ) -> None:
        self._settings = settings
        self._eos = eos
        self._banned = torch.tensor(settings.banned, dtype=torch.long, device=device)
        self._eos_alone = torch.tensor([eos], dtype=torch.long, device=device)
        self._forced = pad(prefix, padding=FREE, device=device).values
        self._prefix_length = max((len(tokens) for tokens in prefix), default=0)
        self._written = torch.zeros(len(prefix), width, 0, dtype=torch.long, device=device)

    def idle(self, step: int) -> bool:
        """Whether every token may be written at this step."""
        settings = self._settings
        banning = settings.banned or settings.no_repeat_ngram or step + 1 < settings.min_length
        return not banning and step >= self._prefix_length

    def __call__(self, log_probs: Float[Tensor, "b n w"], step: int) -> Float[Tensor, "b n w"]:
        """The log-probabilities of what may be written at this step, -inf for the rest."""
        if self.idle(step):
            return log_probs
        allowed = log_probs
        if self._settings.banned:
            allowed = rule.ban(allowed, self._banned)
        if step + 1 < self._settings.min_length:
            allowed = rule.ban(allowed, self._eos_alone)
        if self._settings.no_repeat_ngram:
            allowed = rule.no_repeat(allowed, self._written, self._settings.no_repeat_ngram)
        allowed = rule.rescue(allowed, log_probs, self._eos)
        if step >= self._prefix_length:
            return allowed
        forced = self._forced[:, step]
        return torch.where((forced < 0)[:, None, None], allowed, rule.force(log_probs, forced))

    def follow(self, tokens: Int[Tensor, "b n"], parents: Int[Tensor, "b n"] | None = None) -> None:
        """Remember what was written (only n-grams need it): hypothesis i continues `parents[:, i]`, or itself."""
        if not self._settings.no_repeat_ngram:
            return
        written = self._written
        if parents is not None:
            written = written.gather(1, parents[..., None].expand(-1, -1, written.shape[-1]))
        self._written = torch.cat([written, tokens[..., None]], -1)

    def select(self, kept: Int[Tensor, " m"]) -> None:
        """Go on with these sources of the batch alone."""
        self._forced = self._forced[kept]
        self._written = self._written[kept]
