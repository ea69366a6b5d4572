"""How the statistical aligner learns and aligns. Imports nothing heavy: stored aligners carry these settings."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class StatisticalSettings(BaseModel):
    """Settings of `StatisticalAligner`; the defaults were chosen on Hansards en-fr."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lexicon_iterations: int = Field(5, ge=0)
    """Passes over the text of the first model (IBM 1 with a prior for the diagonal), which starts the lexicon."""
    jump_iterations: int = Field(5, ge=0)
    """Passes of the second model (HMM), which also learns how far one jumps in a text from word to word."""
    agreement: bool = True
    """True: both directions learn from the product of their posteriors (Liang, Taskar and Klein 2006), so what only one
    of them believes teaches neither. False: each learns by itself, plain expectation maximisation."""
    family_count: float = Field(60.0, ge=0)
    """How many times every word is taken to have been seen translated as all the words of its stem are."""
    alike_count: float = Field(3.0, ge=0)
    """How many times two words of one stem that stand in one pair are taken to have been linked: names, cognates."""
    unaligned: float = Field(0.1, gt=0, lt=1)
    """Prior probability that a word comes from no word of the other side."""
    tension: float = Field(4.0, ge=0)
    """How much the first model prefers the diagonal: exp(-tension * distance), distances as shares of the length."""
    longest_jump: int = Field(100, ge=1)
    """Words; longer jumps count as jumps of this length."""
