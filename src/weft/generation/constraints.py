"""The rules of one search in force at each step, and what they must remember."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from weft.base.padded import pad
from weft.base.shapes import Float, Int, Tensor
from weft.generation import logits as rule
from weft.generation.settings import SearchSettings

FREE = -1


@dataclass(frozen=True)
class Forced:
    """What each source's hypotheses must begin with `[b t]` (`FREE` behind it), how much of that, and at what cost.

    `given` tokens at the beginning have log-probability 0 and not the model's; `uncounted` ones are not in the length.
    """

    tokens: Int[Tensor, "b t"]
    lengths: Int[Tensor, " b"]
    given: Int[Tensor, " b"]
    uncounted: Int[Tensor, " b"]

    @staticmethod
    def of(prefix: list[tuple[int, ...]], settings: SearchSettings, device: torch.device) -> Forced:
        """A prefix for each source, perhaps none, behind the settings' own first token."""
        first = () if settings.forced_first is None else (settings.forced_first,)
        forced = [(*first, *tokens) for tokens in prefix]
        left_out = [0 if settings.prefix_counts or not tokens else len(first) + len(tokens) for tokens in prefix]
        padded = pad(forced, padding=FREE, device=device)
        uncounted = torch.tensor(left_out, dtype=torch.long, device=device)
        return Forced(padded.values, padded.lengths, uncounted.clamp(min=len(first)), uncounted)

    def select(self, kept: Int[Tensor, " m"]) -> Forced:
        return Forced(self.tokens[kept], self.lengths[kept], self.given[kept], self.uncounted[kept])


class Constraints:
    """Bans, lengths, n-grams and forced prefixes, for the sources still in the batch.

    A forced token beats every ban. Where no token is left, `</s>` is: a hypothesis that may write nothing else ends.
    """

    def __init__(
        self,
        settings: SearchSettings,
        forced: Forced,
        *,
        start: Int[Tensor, " b"],
        limits: Int[Tensor, " b"],
        eos: int,
        width: int,
    ) -> None:
        device = start.device
        self._settings, self._forced, self._limits, self._eos = settings, forced, limits, eos
        self._banned = torch.tensor(settings.banned, dtype=torch.long, device=device)
        self._banned_first = torch.tensor(settings.banned_first, dtype=torch.long, device=device)
        self._sequences = [torch.tensor(tokens, device=device) for tokens in settings.banned_sequences]
        self._eos_alone = torch.tensor([eos], dtype=torch.long, device=device)
        self._prefix_length = int(forced.lengths.max())
        self._last_steps = {limit - 1 for limit in limits.tolist()} if settings.forced_end else set()
        self._written = start[:, None, None].expand(-1, width, 1)

    def idle(self, step: int) -> bool:
        """Whether every token may be written at this step."""
        settings = self._settings
        banning = (
            settings.banned
            or settings.banned_sequences
            or settings.no_repeat_ngram
            or step + 1 < settings.min_length
            or (settings.banned_first and step <= self._prefix_length)
        )
        return not banning and step >= self._prefix_length and step not in self._last_steps

    def __call__(self, log_probs: Float[Tensor, "b n w"], step: int) -> Float[Tensor, "b n w"]:
        """The log-probabilities of what may be written at this step, -inf for the rest."""
        if self.idle(step):
            return log_probs
        allowed = rule.rescue(self._without_banned(log_probs, step), log_probs, self._eos)
        if step in self._last_steps:
            ends = torch.where(self._limits == step + 1, self._eos, FREE)
            allowed = torch.where((ends < 0)[:, None, None], allowed, rule.give(log_probs, ends))
        if step < self._prefix_length:
            allowed = self._with_forced(allowed, log_probs, step)
        return allowed.log_softmax(-1) if self._settings.renormalise else allowed

    def _without_banned(self, log_probs: Tensor, step: int) -> Tensor:
        settings, allowed = self._settings, log_probs
        if settings.banned:
            allowed = rule.ban(allowed, self._banned)
        if step + 1 < settings.min_length:
            allowed = rule.ban(allowed, self._eos_alone)
        if settings.no_repeat_ngram:
            allowed = rule.no_repeat(allowed, self._written, settings.no_repeat_ngram)
        for sequence in self._sequences:
            allowed = rule.ban_sequence(allowed, self._written, sequence)
        if settings.banned_first and step <= self._prefix_length:
            first = (self._forced.lengths == step)[:, None, None]
            allowed = torch.where(first, rule.ban(allowed, self._banned_first), allowed)
        return allowed

    def _with_forced(self, allowed: Tensor, log_probs: Tensor, step: int) -> Tensor:
        forced = self._forced.tokens[:, step]
        free, given = (forced < 0)[:, None, None], (step < self._forced.given)[:, None, None]
        kept = torch.where(given, rule.give(log_probs, forced), rule.force(log_probs, forced))
        return torch.where(free, allowed, kept)

    def follow(self, tokens: Int[Tensor, "b n"], parents: Int[Tensor, "b n"] | None = None) -> None:
        """Remember what was written (only n-grams need it): hypothesis i continues `parents[:, i]`, or itself."""
        if not self._settings.no_repeat_ngram and not self._sequences:
            return
        written = self._written
        if parents is not None:
            written = written.gather(1, parents[..., None].expand(-1, -1, written.shape[-1]))
        self._written = torch.cat([written, tokens[..., None]], -1)

    def select(self, kept: Int[Tensor, " m"]) -> None:
        """Go on with these sources of the batch alone."""
        self._forced, self._limits = self._forced.select(kept), self._limits[kept]
        self._written = self._written[kept]
